//! Office Open XML spreadsheets: one sheet, one header row.

use std::io::Cursor;

use calamine::{Data, DataRef, Reader, Xlsx};

use super::{ReadError, ReadOptions, table};
use crate::limits;
use crate::tree::{Format, Tree};

/// Reads one sheet. Numbers that are whole come without exponent or fraction, so that a GTIN that
/// a program stored as a number keeps its digits; dates come as ISO 8601.
///
/// # Errors
/// Not a spreadsheet, sheet missing, too large once unpacked.
pub fn read(bytes: &[u8], options: &ReadOptions) -> Result<Tree, ReadError> {
    check_size(bytes)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|error| {
        ReadError::new("document", "xlsx-open", error.to_string(), "save it as .xlsx again")
    })?;
    let names = book.sheet_names();
    let sheet = match &options.sheet {
        Some(name) => names.iter().find(|n| *n == name).cloned().ok_or_else(|| {
            let message = format!("no sheet \"{name}\"");
            let hint = format!("the sheets are: {}", names.join(", "));
            ReadError::new("document", "xlsx-sheet", message, hint)
        })?,
        None => names.first().cloned().ok_or_else(|| {
            ReadError::new("document", "xlsx-sheet", "no sheet in the file", "add one")
        })?,
    };
    let rows = cells(&mut book, &sheet)?;
    let mut rows = rows.into_iter();
    let Some((_, header)) = rows.next() else {
        return Err(ReadError::new("row 1", "table-header", "the sheet is empty", "add a header"));
    };
    let header: Vec<String> = header.iter().map(|h| h.trim().to_owned()).collect();
    table::tree(Format::Xlsx, &header, rows.map(Ok), options)
}

type Rows = Vec<(usize, Vec<String>)>;

/// The rows of a sheet, cell by cell, so that a sheet that declares a huge extent costs nothing.
fn cells(book: &mut Xlsx<Cursor<&[u8]>>, sheet: &str) -> Result<Rows, ReadError> {
    let fault = |error: calamine::XlsxError| {
        ReadError::new("document", "xlsx-sheet", error.to_string(), "save it as .xlsx again")
    };
    let mut reader = book.worksheet_cells_reader(sheet).map_err(fault)?;
    let mut rows: Rows = Vec::new();
    while let Some(cell) = reader.next_cell().map_err(fault)? {
        let (row, column) = cell.get_position();
        let number = usize::try_from(row).unwrap_or(usize::MAX).saturating_add(1);
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if column >= limits::COLUMNS_MAX || rows.len() > limits::ROWS_MAX {
            let message =
                format!("over {} rows or {} columns", limits::ROWS_MAX, limits::COLUMNS_MAX);
            let place = format!("row {number}");
            return Err(ReadError::new(place, "table-rows", message, "split the sheet"));
        }
        let value = text(cell.get_value(), number)?;
        if rows.last().is_none_or(|(last, _)| *last != number) {
            rows.push((number, Vec::new()));
        }
        if let Some((_, cells)) = rows.last_mut() {
            cells.resize(cells.len().max(column + 1), String::new());
            cells[column] = value;
        }
    }
    Ok(rows)
}

fn text(value: &DataRef<'_>, row: usize) -> Result<String, ReadError> {
    Ok(match Data::from(value.clone()) {
        Data::Empty => String::new(),
        Data::String(text) => text,
        Data::Int(number) => number.to_string(),
        Data::Float(number) => plain_number(number),
        Data::Bool(flag) => flag.to_string(),
        // Days up to the end of the year 9999, the last that the format knows.
        Data::DateTime(date)
            if date.is_datetime() && (0.0..2_958_466.0).contains(&date.as_f64()) =>
        {
            let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
            if (hour, minute, second) == (0, 0, 0) {
                format!("{year:04}-{month:02}-{day:02}")
            } else {
                format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
            }
        }
        Data::DateTime(date) => plain_number(date.as_f64()),
        Data::DateTimeIso(text) | Data::DurationIso(text) => text,
        Data::Error(error) => {
            let message = format!("the cell holds the error {error}");
            let place = format!("row {row}");
            return Err(ReadError::new(place, "xlsx-error", message, "repair the formula"));
        }
    })
}

/// A number as the sheet shows it. Whole numbers up to 2^53 are exact in the file's doubles.
fn plain_number(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
        format!("{number:.0}")
    } else {
        number.to_string()
    }
}

/// Adds up what the archive's directory says its parts unpack to.
fn check_size(bytes: &[u8]) -> Result<(), ReadError> {
    let fault = |message: String| {
        ReadError::new("document", "xlsx-size", message, "split the sheet or save it as CSV")
    };
    if !bytes.starts_with(b"PK") {
        let hint = "save it as .xlsx; .xls is not read";
        return Err(ReadError::new("document", "xlsx-open", "not an .xlsx file", hint));
    }
    if bytes.len() > limits::XLSX_BYTES_MAX {
        return Err(fault(format!("{} bytes; at most {}", bytes.len(), limits::XLSX_BYTES_MAX)));
    }
    let mut total = 0_u64;
    let mut at = 0;
    // Entries of the central directory start with PK\x01\x02 and hold the unpacked size at 24.
    while let Some(found) = bytes[at..].windows(4).position(|w| w == b"PK\x01\x02") {
        let entry = at + found;
        if let Some(size) = bytes.get(entry + 24..entry + 28) {
            let size = [size[0], size[1], size[2], size[3]];
            total = total.saturating_add(u64::from(u32::from_le_bytes(size)));
        }
        at = entry + 4;
    }
    if total > limits::XLSX_UNPACKED_MAX {
        let most = limits::XLSX_UNPACKED_MAX;
        return Err(fault(format!("unpacks to {total} bytes; at most {most}")));
    }
    Ok(())
}
