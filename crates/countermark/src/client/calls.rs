//! The use cases, one call each.

use countermark_epcis::json::Json;
use countermark_net::http::{Answer, Method};
use countermark_node::trace::{Direction, Trace};
use countermark_node::{
    EpcFormat, Erased, ErasureReason, EventsAnswer, Held, KeptDocument, KeyView, MemberView,
    Receipt, Standing,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Client, ClientError, Content, encode, with_query};

/// Header of events: how many matches are no events any more. Of a bundle: the classes it lacks.
const ERASED: &str = "countermark-erased";
const TOML: &str = "application/toml";

/// A bundle, and the names of the classes that it lacks.
pub(crate) struct Bundle {
    pub(crate) bytes: Vec<u8>,
    pub(crate) erased: Vec<String>,
}

/// What a caller names a member by; the server's default where it does not.
#[derive(Serialize)]
struct As<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<&'a str>,
}

fn path_of_event(event_id: &str, what: &str) -> String {
    format!("/events/{}{what}", encode(event_id))
}

impl Client {
    pub(crate) fn members(&self) -> Result<Vec<MemberView>, ClientError> {
        self.get_json("/members")
    }

    pub(crate) fn member_add(
        &self,
        name: &str,
        country: Option<&str>,
    ) -> Result<MemberView, ClientError> {
        let body = json!({"name": name, "country": country});
        self.read(&self.send_json(Method::Post, "/members", &body)?)
    }

    pub(crate) fn member_standing(
        &self,
        name: &str,
        standing: Standing,
    ) -> Result<(), ClientError> {
        let path = format!("/members/{}/standing", encode(name));
        self.send_json(Method::Post, &path, &json!({"standing": standing})).map(drop)
    }

    pub(crate) fn keys(&self) -> Result<Vec<KeyView>, ClientError> {
        self.get_json("/keys")
    }

    pub(crate) fn key_rotate(&self, member: Option<&str>) -> Result<String, ClientError> {
        self.new_key("/keys/rotate", member)
    }

    pub(crate) fn key_register(&self, member: Option<&str>) -> Result<String, ClientError> {
        self.new_key("/keys/register", member)
    }

    fn new_key(&self, path: &str, member: Option<&str>) -> Result<String, ClientError> {
        #[derive(Deserialize)]
        struct New {
            key: String,
        }
        let new: New = self.read(&self.send_json(Method::Post, path, &As { member })?)?;
        Ok(new.key)
    }

    pub(crate) fn key_revoke(&self, member: Option<&str>, key: &str) -> Result<(), ClientError> {
        let body = json!({"key": key, "member": member});
        self.send_json(Method::Post, "/keys/revoke", &body).map(drop)
    }

    pub(crate) fn confirm_clock(&self) -> Result<String, ClientError> {
        #[derive(Deserialize)]
        struct Confirmed {
            time: String,
        }
        let answer = self.call(Method::Post, "/clock/confirm", &[], None)?;
        let confirmed: Confirmed = self.read(&answer)?;
        Ok(confirmed.time)
    }

    pub(crate) fn endorse(&self, member: Option<&str>, event_id: &str) -> Result<(), ClientError> {
        let body = json!({"eventID": event_id, "member": member});
        self.send_json(Method::Post, "/endorsements", &body).map(drop)
    }

    pub(crate) fn events(
        &self,
        query: &str,
        format: EpcFormat,
    ) -> Result<EventsAnswer, ClientError> {
        // The parameters are those of the API: given as they are, but for what no address can hold.
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '#' | '\\');
        let mut kept = String::new();
        for c in query.chars() {
            if plain(c) {
                kept.push(c);
            } else {
                kept.push_str(&encode(c.encode_utf8(&mut [0; 4])));
            }
        }
        let path = if kept.is_empty() { "/events".to_owned() } else { format!("/events?{kept}") };
        let headers = [("accept", "application/json"), ("gs1-epc-format", format.as_str())];
        let answer = self.call(Method::Get, &path, &headers, None)?;
        let erased = answer.header(ERASED).and_then(|count| count.parse().ok());
        Ok(EventsAnswer {
            events: self.event_list(&answer)?,
            erased: erased.unwrap_or(0),
            next_page_token: answer.header("link").and_then(next_page_token),
        })
    }

    /// The events in an array, or in an EPCIS query document.
    fn event_list(&self, answer: &Answer) -> Result<Vec<Json>, ClientError> {
        let list = match self.read(answer)? {
            Json::Array(events) => return Ok(events),
            document => document.pointer("/epcisBody/queryResults/resultsBody/eventList").cloned(),
        };
        match list {
            Some(Json::Array(events)) => Ok(events),
            _ => Err(self.unlike(&"there is no list of events in it")),
        }
    }

    pub(crate) fn trace(&self, id: &str, direction: Direction) -> Result<Trace, ClientError> {
        let direction = match direction {
            Direction::Up => "up",
            Direction::Down => "down",
            Direction::Both => "both",
        };
        self.get_json(&with_query("/trace", &[("id", Some(id)), ("direction", Some(direction))]))
    }

    pub(crate) fn prove(&self, event_id: &str, fields: &[String]) -> Result<Bundle, ClientError> {
        let fields: Vec<(&str, Option<&str>)> =
            fields.iter().map(|field| ("field", Some(&**field))).collect();
        let answer = self.get(&with_query(&path_of_event(event_id, "/bundle"), &fields))?;
        let erased = answer.header(ERASED).unwrap_or_default().split(',');
        let erased = erased.map(str::trim).filter(|class| !class.is_empty());
        Ok(Bundle { erased: erased.map(str::to_owned).collect(), bytes: answer.body })
    }

    pub(crate) fn receipt(
        &self,
        event_id: &str,
        with_statement: bool,
    ) -> Result<Receipt, ClientError> {
        let answer = self.get(&path_of_event(event_id, "/receipt"))?;
        let statement = if with_statement {
            self.get(&path_of_event(event_id, "/statement"))?.body
        } else {
            Vec::new()
        };
        Receipt::read(answer.body, statement).map_err(|e| self.unlike(&e))
    }

    pub(crate) fn trust(&self) -> Result<String, ClientError> {
        let answer = self.get("/trust-policy")?;
        String::from_utf8(answer.body).map_err(|_| self.unlike(&"the trust policy is no text"))
    }

    pub(crate) fn log_resource(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        let parts: Vec<String> = path.split('/').map(encode).collect();
        Ok(self.get(&format!("/log/{}", parts.join("/")))?.body)
    }

    pub(crate) fn document(
        &self,
        member: Option<&str>,
        name: &str,
        bytes: &[u8],
    ) -> Result<KeptDocument, ClientError> {
        let path = with_query("/documents", &[("name", Some(name)), ("member", member)]);
        let content = Content { media_type: "application/octet-stream", bytes };
        self.read(&self.call(Method::Post, &path, &[], Some(&content))?)
    }

    pub(crate) fn document_content(&self, id: &str) -> Result<(String, Vec<u8>), ClientError> {
        let answer = self.get(&format!("/documents/{}", encode(id)))?;
        let name = answer.header("content-disposition").and_then(file_name);
        Ok((name.unwrap_or_else(|| id.to_owned()), answer.body))
    }

    pub(crate) fn quarantine(&self) -> Result<Vec<Held>, ClientError> {
        self.get_json("/quarantine")
    }

    pub(crate) fn master_data_add(&self, name: &str, text: &[u8]) -> Result<String, ClientError> {
        #[derive(Deserialize)]
        struct Known {
            known: String,
        }
        let path = with_query("/master-data", &[("name", Some(name))]);
        let content = Content { media_type: TOML, bytes: text };
        let known: Known = self.read(&self.call(Method::Post, &path, &[], Some(&content))?)?;
        Ok(known.known)
    }

    pub(crate) fn classes_set(&self, name: &str, text: &[u8]) -> Result<usize, ClientError> {
        #[derive(Deserialize)]
        struct Set {
            count: usize,
        }
        let path = with_query("/field-classes", &[("name", Some(name))]);
        let content = Content { media_type: TOML, bytes: text };
        let set: Set = self.read(&self.call(Method::Put, &path, &[], Some(&content))?)?;
        Ok(set.count)
    }

    pub(crate) fn erase(
        &self,
        member: Option<&str>,
        event_id: &str,
        class: Option<&str>,
        reason: ErasureReason,
    ) -> Result<Erased, ClientError> {
        let body = json!({"eventID": event_id, "class": class, "reason": reason, "member": member});
        self.read(&self.send_json(Method::Post, "/erasures", &body)?)
    }
}

/// The token of the next page in a `Link` header (RFC 8288).
fn next_page_token(link: &str) -> Option<String> {
    let next =
        link.split(',').find(|one| one.contains("rel=\"next\"") || one.contains("rel=next"))?;
    let target = next.split_once('<')?.1.split_once('>')?.0;
    let query = target.split_once('?')?.1;
    let token = query.split('&').find_map(|pair| pair.strip_prefix("nextPageToken="))?;
    Some(decode(token))
}

/// The name in a `Content-Disposition` header (RFC 6266).
fn file_name(disposition: &str) -> Option<String> {
    if let Some((_, extended)) = disposition.split_once("filename*=UTF-8''") {
        return Some(decode(extended.split(';').next()?.trim()));
    }
    let plain = disposition.split_once("filename=\"")?.1.split_once('"')?.0;
    Some(plain.to_owned())
}

/// Percent codes as what they stand for.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let code = text.get(at + 1..at + 3).filter(|_| *byte == b'%');
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_read_from_a_link() {
        let link = "</events?perPage=2&nextPageToken=a%2Bb%3D>; rel=\"next\"";
        assert_eq!(next_page_token(link).as_deref(), Some("a+b="));
        assert_eq!(next_page_token("</events?nextPageToken=x>; rel=\"prev\""), None);
        assert_eq!(next_page_token("junk"), None);
    }

    #[test]
    fn the_name_of_a_file_is_read_in_both_forms() {
        let name = |text: &str| file_name(text);
        assert_eq!(name("attachment; filename=\"a.pdf\"").as_deref(), Some("a.pdf"));
        let both = "attachment; filename=\"a_.pdf\"; filename*=UTF-8''a%20%C3%A9.pdf";
        assert_eq!(name(both).as_deref(), Some("a é.pdf"));
        assert_eq!(name("inline"), None);
    }
}
