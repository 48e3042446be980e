//! C2SP tlog-checkpoint: the text that a log signs.

use crate::merkle::Hash;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Size and root of a log at one moment. The signatures are in the [`Note`](crate::note::Note)
/// around its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log; also the name of its signing key.
    pub origin: String,
    /// Leaves in the tree.
    pub size: u64,
    /// Root of the tree, RFC 9162 §2.1.1.
    pub root: Hash,
}

/// A text that is no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not exactly three lines. Extension lines are refused: no monitor can audit them.
    #[error(
        "a checkpoint is three lines (origin, size, root), each ended by a newline; found {found}"
    )]
    Lines {
        /// Lines found.
        found: usize,
    },
    /// The origin is empty or has a control character.
    #[error("line 1: the origin must not be empty nor contain control characters")]
    Origin,
    /// The size is no canonical decimal number.
    #[error("line 2: the size must be a decimal number below 2^64 without leading zeros")]
    Size,
    /// The root is not the base64 of 32 bytes.
    #[error("line 3: the root must be the base64 of 32 bytes")]
    Root,
}

impl Checkpoint {
    /// The text to sign; the inverse of [`Checkpoint::parse`].
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// Reads the text of a note. Whatever is accepted is written again as the same bytes.
    ///
    /// # Errors
    /// [`CheckpointError`] names the line.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let lines: Vec<&str> = text.split('\n').collect();
        let [origin, size, root, ""] = lines.as_slice() else {
            return Err(CheckpointError::Lines { found: text.matches('\n').count() });
        };
        if origin.is_empty() || origin.chars().any(char::is_control) {
            return Err(CheckpointError::Origin);
        }
        let size = decimal(size).ok_or(CheckpointError::Size)?;
        let root = STANDARD.decode(root).ok().and_then(|bytes| bytes.try_into().ok());
        Ok(Self { origin: (*origin).to_owned(), size, root: root.ok_or(CheckpointError::Root)? })
    }
}

/// A canonical decimal number: digits only, no leading zero but in `0` itself.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let canonical =
        text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if canonical { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EXAMPLE: &str =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    #[test]
    fn the_example_of_the_specification_is_read_and_written_unchanged() {
        let checkpoint = Checkpoint::parse(EXAMPLE).unwrap();
        assert_eq!(checkpoint.origin, "example.com/behind-the-sofa");
        assert_eq!(checkpoint.size, 20_852_163);
        assert_eq!(checkpoint.root[..4], [0x0a, 0xc5, 0x18, 0x6a]);
        assert_eq!(checkpoint.to_text(), EXAMPLE);
    }

    #[test]
    fn each_malformed_line_is_named() {
        use CheckpointError::{Lines, Origin, Root, Size};
        let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
        let cases = [
            (String::new(), Lines { found: 0 }),
            (format!("o\n1\n{root}"), Lines { found: 2 }),
            (format!("o\n1\n{root}\nextension\n"), Lines { found: 4 }),
            (format!("o\n1\n{root}\n\n"), Lines { found: 4 }),
            (format!("\n1\n{root}\n"), Origin),
            (format!("o\t\n1\n{root}\n"), Origin),
            (format!("o\n01\n{root}\n"), Size),
            (format!("o\n\n{root}\n"), Size),
            (format!("o\n+1\n{root}\n"), Size),
            (format!("o\n1 \n{root}\n"), Size),
            (format!("o\n18446744073709551616\n{root}\n"), Size),
            (format!("o\n1\n{}\n", &root[..43]), Root),
            (format!("o\n1\n{}\n", root.replace("2I=", "2J=")), Root),
            ("o\n1\nAAAA\n".to_owned(), Root),
        ];
        for (text, expected) in cases {
            assert_eq!(Checkpoint::parse(&text), Err(expected), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(origin in "[^\\x00-\\x1f\\x7f-\\u{9f}]{1,40}", size: u64, root: [u8; 32]) {
            let checkpoint = Checkpoint { origin, size, root };
            prop_assert_eq!(Checkpoint::parse(&checkpoint.to_text()), Ok(checkpoint));
        }

        #[test]
        fn whatever_is_read_is_written_as_the_same_bytes(
            at in 0usize..80, byte in any::<char>(), delete: bool
        ) {
            let mut text: Vec<char> = EXAMPLE.chars().collect();
            let at = at % text.len();
            if delete { text.remove(at); } else { text[at] = byte; }
            let text: String = text.into_iter().collect();
            if let Ok(checkpoint) = Checkpoint::parse(&text) {
                prop_assert_eq!(checkpoint.to_text(), text);
            }
        }
    }
}
