//! Forms with a file: `multipart/form-data` (RFC 7578) of one file and some short fields, bounded.

use axum::extract::{FromRequest, Multipart, Request};

use crate::body::{Form, encode, read};
use crate::limits::FORM_BYTES_MAX;
use crate::problem::Problem;

/// A file with the fields beside it.
pub(super) struct Upload {
    /// The file's own name, without folders.
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) form: Form,
}

fn broken(error: impl std::fmt::Display) -> Problem {
    Problem::new("bad-request", format!("the form cannot be read: {error}"))
        .hint("send it from the page again")
}

impl Upload {
    /// Reads a form whose file has at most `most` bytes.
    ///
    /// # Errors
    /// `bad-request` where it is no such form or has no file, `too-large`, `too-slow`.
    pub(super) async fn read(request: Request, most: usize) -> Result<Self, Problem> {
        crate::body::require_type(request.headers(), &["multipart/form-data"])?;
        // Bounded in size and time before anything is made of it.
        let (parts, body) = request.into_parts();
        let again = Request::from_parts(parts.clone(), body);
        let bytes = read(again, most + FORM_BYTES_MAX).await?;
        let whole = Request::from_parts(parts, axum::body::Body::from(bytes));
        let mut multipart = Multipart::from_request(whole, &()).await.map_err(broken)?;
        let (mut file, mut fields) = (None, String::new());
        while let Some(field) = multipart.next_field().await.map_err(broken)? {
            let name = field.name().unwrap_or_default().to_owned();
            match field.file_name().map(ToOwned::to_owned) {
                Some(given) if file.is_none() => {
                    let bytes = field.bytes().await.map_err(broken)?;
                    file = Some((file_name(&given), bytes.to_vec()));
                }
                Some(_) => {}
                None => {
                    let text = field.text().await.map_err(broken)?;
                    if fields.len() + text.len() > FORM_BYTES_MAX {
                        return Err(Problem::new(
                            "too-large",
                            "the fields beside the file are too long",
                        ));
                    }
                    fields.push_str(&format!("{}={}&", encode(&name), encode(&text)));
                }
            }
        }
        let chosen = file.filter(|(name, bytes)| !name.is_empty() && !bytes.is_empty());
        let (name, bytes) = chosen.ok_or_else(|| {
            Problem::new("invalid", "no file was chosen, or it is empty").hint("choose a file")
        })?;
        if bytes.len() > most {
            return Err(Problem::new("too-large", format!("{name} has more than {most} bytes")));
        }
        Ok(Self { name, bytes, form: Form::parse(fields.as_bytes()) })
    }
}

/// A file's name on one line and without folders, whatever was sent.
fn file_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    last.chars().filter(|c| !c.is_control()).take(200).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn a_name_is_one_line_without_folders() {
        assert_eq!(file_name("C:\\exports\\a.csv"), "a.csv");
        assert_eq!(file_name("../../etc/passwd"), "passwd");
        assert_eq!(file_name("a\r\nb\0.csv "), "ab.csv");
    }
}
