//! QR codes as SVG, of the address under which a pack is looked up.

use std::fmt::Write;

use qrcode::{Color, EcLevel, QrCode};

use crate::problem::Problem;

/// Modules of free space around a code, as the standard asks.
const QUIET: usize = 4;

/// The address as it goes into a code: scheme and host in capitals, which take fewer modules and mean
/// the same; the path as it is.
pub(crate) fn address(base_url: &str, path: &str) -> String {
    format!("{}{path}", base_url.to_ascii_uppercase())
}

/// A code as an SVG image.
///
/// # Errors
/// `invalid` where the text is too long for a code.
pub(crate) fn svg(text: &str) -> Result<String, Problem> {
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M).map_err(|_| {
        Problem::new("invalid", "the address is too long for a QR code")
            .hint("serve this node under a shorter address (`--base-url`)")
    })?;
    let (width, colors) = (code.width(), code.to_colors());
    let side = width + 2 * QUIET;
    let mut path = String::new();
    for (at, color) in colors.iter().enumerate() {
        if *color == Color::Dark {
            // Writing to a string does not fail.
            let (x, y) = (at % width + QUIET, at / width + QUIET);
            let _written = write!(path, "M{x} {y}h1v1h-1z");
        }
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" width=\"{0}\" \
         height=\"{0}\" shape-rendering=\"crispEdges\" role=\"img\" aria-label=\"QR code\">\
         <rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>",
        side * 6
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_make_the_code_smaller_and_only_scheme_and_host_get_them() {
        let path = "/01/09521234543213/10/L%2Fa";
        let address = address("https://id.example.com", path);
        assert_eq!(address, format!("HTTPS://ID.EXAMPLE.COM{path}"));
        let size = |text: &str| QrCode::new(text).unwrap().width();
        let capital = "HTTPS://ID.EXAMPLE.COM/01/09521234543213/10/LOT1";
        assert!(size(capital) <= size("https://id.example.com/01/09521234543213/10/LOT1"));
        assert!(svg(&address).unwrap().starts_with("<svg"));
        assert!(svg(&"x".repeat(5_000)).is_err());
    }
}
