//! Delimited text (RFC 4180 and what programs really write).

use super::{ReadError, ReadOptions, table, text};
use crate::limits;
use crate::tree::{Format, Tree};

/// Delimiters that are looked for when none is declared.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// Reads delimited text with one header line.
///
/// # Errors
/// Wrong encoding, no header, a quote that is never closed, a required column that is missing.
pub fn read(bytes: &[u8], options: &ReadOptions) -> Result<Tree, ReadError> {
    let text = text::decode(bytes, options.encoding)?;
    let (declared, text) = separator_line(&text);
    let lines_before = u64::from(declared.is_some());
    let delimiter = match options.delimiter.or(declared) {
        Some(c) => u8::try_from(c).map_err(|_| {
            let message = format!("delimiter '{c}' is not ASCII");
            ReadError::new("mapping", "csv-delimiter", message, "declare one ASCII character")
        })?,
        None => sniff(text),
    };
    check_quotes(text, delimiter)?;
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let header: Vec<String> = match records.next() {
        Some(record) => record.map_err(|e| fault(&e))?.iter().map(|h| h.trim().into()).collect(),
        None => {
            return Err(ReadError::new("row 1", "csv-header", "no header line", "add one"));
        }
    };
    // A spreadsheet program counts blank lines, and a cell of two lines as one row.
    let mut lines_in_cells: u64 = header.iter().map(|cell| line_breaks(cell)).sum();
    let mut lines = Lines::default();
    let rows = records.map(move |record| {
        let record = record.map_err(|e| fault(&e))?;
        let line = record.position().map_or(0, |at| lines.of(text, at)) + lines_before;
        let number = usize::try_from(line.saturating_sub(lines_in_cells)).unwrap_or(usize::MAX);
        lines_in_cells += record.iter().map(line_breaks).sum::<u64>();
        let cells: Vec<String> = record.iter().map(str::to_owned).collect();
        if cells.iter().any(|cell| cell.len() > limits::VALUE_BYTES_MAX) {
            let message = format!("a cell is longer than {} bytes", limits::VALUE_BYTES_MAX);
            let place = format!("row {number}");
            return Err(ReadError::new(place, "csv-cell", message, "is a quote never closed?"));
        }
        Ok((number, cells))
    });
    table::tree(Format::Csv, &header, rows, options)
}

/// A first line `sep=;`, which spreadsheet programs understand, and the text after it.
fn separator_line(text: &str) -> (Option<char>, &str) {
    let Some(rest) = text.strip_prefix("sep=") else { return (None, text) };
    let mut chars = rest.chars();
    let delimiter = chars.next();
    (delimiter, chars.as_str().trim_start_matches('\r').trim_start_matches('\n'))
}

/// Gives each row's number as a spreadsheet program shows it (0 for the header), its cells, and the
/// bytes of `text` that it takes with its line end.
pub(crate) fn each_row(
    text: &str,
    mut row: impl FnMut(usize, &[&str], std::ops::Range<usize>),
) -> Result<(), ReadError> {
    let (declared, body) = separator_line(text);
    let before = text.len() - body.len();
    let lines_before = u64::from(declared.is_some());
    let delimiter = declared.and_then(|c| u8::try_from(c).ok()).unwrap_or_else(|| sniff(body));
    check_quotes(body, delimiter)?;
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .from_reader(body.as_bytes());
    let (mut record, mut lines_in_cells, mut is_header) = (::csv::StringRecord::new(), 0, true);
    let mut lines = Lines::default();
    loop {
        if !reader.read_record(&mut record).map_err(|e| fault(&e))? {
            return Ok(());
        }
        let at = |position: &::csv::Position| usize::try_from(position.byte()).unwrap_or(0);
        let start = record.position().map_or(0, at) + before;
        let end = at(reader.position()) + before;
        let line = record.position().map_or(0, |at| lines.of(body, at)) + lines_before;
        let number = usize::try_from(line.saturating_sub(lines_in_cells)).unwrap_or(0);
        lines_in_cells += record.iter().map(line_breaks).sum::<u64>();
        let cells: Vec<&str> = record.iter().collect();
        row(if is_header { 0 } else { number }, &cells, start..end);
        is_header = false;
    }
}

/// Counts lines up to records: a record's own position may be that of the line end before it, or of
/// blank lines.
#[derive(Default)]
struct Lines {
    at: usize,
    breaks: u64,
}

impl Lines {
    /// The line on which the record stands that is read from this position on.
    fn of(&mut self, text: &str, position: &::csv::Position) -> u64 {
        let bytes = text.as_bytes();
        let from = usize::try_from(position.byte()).unwrap_or(bytes.len()).min(bytes.len());
        let blank = bytes[from..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        let start = from + blank;
        let passed = bytes.get(self.at..start).unwrap_or_default();
        self.breaks += passed.iter().filter(|byte| **byte == b'\n').map(|_| 1).sum::<u64>();
        self.at = start;
        self.breaks + 1
    }
}

fn line_breaks(cell: &str) -> u64 {
    cell.bytes().filter(|byte| *byte == b'\n').map(|_| 1).sum()
}

/// The delimiter that the header line holds most of, outside quotes; the comma when none does.
fn sniff(text: &str) -> u8 {
    let mut counts = [0_usize; 4];
    let mut quoted = false;
    for byte in text.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => break,
            _ if quoted => {}
            _ => {
                if let Some(at) = DELIMITERS.iter().position(|d| *d == byte) {
                    counts[at] += 1;
                }
            }
        }
    }
    let most = counts.iter().max().copied().unwrap_or(0);
    let at = counts.iter().position(|count| *count == most).unwrap_or(0);
    DELIMITERS[at]
}

/// A quote that is opened and never closed would swallow the rest of the file as one cell. Only a
/// quote at the start of a cell opens one; in `5" pipe` it is a character.
fn check_quotes(text: &str, delimiter: u8) -> Result<(), ReadError> {
    let mut line = 1;
    let mut opened_at = None;
    let mut cell_starts = true;
    for byte in text.bytes() {
        if byte == b'"' && (cell_starts || opened_at.is_some()) {
            // A doubled quote inside closes and opens again, which comes to the same.
            opened_at = if opened_at.is_some() { None } else { Some(line) };
            cell_starts = opened_at.is_none();
        } else {
            cell_starts = opened_at.is_none() && matches!(byte, b'\n' | b'\r') || byte == delimiter;
        }
        if byte == b'\n' {
            line += 1;
        }
    }
    match opened_at {
        None => Ok(()),
        Some(line) => Err(ReadError::new(
            format!("line {line}"),
            "csv-quote",
            "a quote is opened and never closed",
            "close it, or double quotes inside a cell; a file cut short looks like this too",
        )),
    }
}

fn fault(error: &::csv::Error) -> ReadError {
    let line = error.position().map_or(0, ::csv::Position::line);
    ReadError::new(format!("line {line}"), "csv-syntax", error.to_string(), "export it again")
}
