//! An identifier read from any of its forms.

use super::{Checks, Element, Gs1Error, KeyType, element, link, prefix_length, urn};

/// Bytes of the longest text that is read as an identifier.
pub const MAX_LENGTH: usize = 2048;

/// A GS1 key with its qualifiers and data, or an EPC without GS1 key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    key_type: KeyType,
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Keyed {
        /// Primary key, then qualifiers in the order of their key's sequence.
        path: Vec<Element>,
        attributes: Vec<Element>,
        /// Known when it was read from an EPC URN.
        prefix_length: Option<u8>,
    },
    Opaque(String),
}

impl Identifier {
    /// Reads an EPC URN (`urn:epc:id:`, `urn:epc:class:`, `urn:epc:idpat:` naming a class), a GS1
    /// Digital Link on any domain, or an element string: bracketed, or raw with separators (0x1D)
    /// and with or without a symbology identifier. Checks everything that is known of the data:
    /// lengths, characters, check digits, dates.
    ///
    /// # Errors
    /// [`Gs1Error`] naming the part that is wrong and the rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Gs1Error> {
        Self::read(text, Checks::Full)
    }

    /// [`Identifier::parse`] with a choice of what is checked.
    ///
    /// # Errors
    /// As [`Identifier::parse`].
    pub fn read(text: &str, checks: Checks) -> Result<Self, Gs1Error> {
        if text.len() > MAX_LENGTH {
            return Err(Gs1Error::TooLong { length: text.len(), limit: MAX_LENGTH });
        }
        if urn::is_epc_urn(text) {
            return match urn::read(text, checks)? {
                urn::Parsed::Keyed(path, length) => Self::keyed(path, Vec::new(), Some(length)),
                urn::Parsed::Opaque(key_type) => {
                    Ok(Self { key_type, form: Form::Opaque(text.to_owned()) })
                }
            };
        }
        if link::is_web_uri(text) {
            let parts = link::read(text, checks)?;
            return Self::keyed(parts.path, parts.attributes, None);
        }
        if element::is_marked(text) {
            return Self::assemble(element::read(text, checks)?);
        }
        if text.len() > 2 && text.as_bytes()[0].is_ascii_digit() {
            // Digits without any mark may be anything, so that no rule can be said to be broken
            // before they have read as application identifiers.
            return match element::read(text, checks) {
                Ok(elements) => Self::assemble(elements),
                Err(Gs1Error::UnknownAi { .. }) => Err(Gs1Error::NotAnIdentifier),
                Err(error) => Err(error),
            };
        }
        Err(Gs1Error::NotAnIdentifier)
    }

    /// Makes an identifier of application identifiers and their data, in any order, checking
    /// everything. A GTIN may have 8, 12, 13 or 14 digits.
    ///
    /// ```
    /// # use countermark_epcis::gs1::Identifier;
    /// let lot = Identifier::from_elements(&[("01", "9521234543213"), ("10", "L 1")]);
    /// assert!(lot.is_err(), "a lot number has no blanks");
    /// let lot = Identifier::from_elements(&[("01", "9521234543213"), ("10", "L/1")])?;
    /// assert_eq!(
    ///     lot.digital_link().as_deref(),
    ///     Some("https://id.gs1.org/01/09521234543213/10/L%2F1")
    /// );
    /// # Ok::<(), countermark_epcis::gs1::Gs1Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Identifier::parse`].
    pub fn from_elements(elements: &[(&str, &str)]) -> Result<Self, Gs1Error> {
        let elements: Vec<Element> = elements
            .iter()
            .map(|(ai, value)| Element { ai: (*ai).to_owned(), value: link::padded(ai, value) })
            .collect();
        element::check(&elements, Checks::Full)?;
        Self::assemble(elements)
    }

    /// The first primary key of an element string is the identifier's; its qualifiers are brought
    /// into their order, and the rest is data.
    fn assemble(mut elements: Vec<Element>) -> Result<Self, Gs1Error> {
        let (at, sequences) = elements
            .iter()
            .enumerate()
            .find_map(|(at, found)| Some((at, element::find(&found.ai).ok()?.link_qualifiers()?)))
            .ok_or(Gs1Error::NoPrimaryElement)?;
        let mut path = vec![elements.remove(at)];
        // Where qualifiers of two sequences are present, the later one is the finer: a lot beside a
        // third-party-controlled serial is data.
        let present = |ai: &&str| elements.iter().any(|element| element.ai == **ai);
        let sequence = sequences.iter().rev().find(|sequence| sequence.iter().any(present));
        for ai in sequence.copied().into_iter().flatten() {
            if let Some(at) = elements.iter().position(|element| element.ai == **ai) {
                path.push(elements.remove(at));
            }
        }
        for ai in sequences.iter().copied().flatten() {
            let left = elements.iter().find(|element| element.ai == **ai);
            if let Some(left) = left.filter(|left| !link::may_be_attribute(&left.ai)) {
                path.push(left.clone());
                link::check_order(&path)?;
            }
        }
        Self::keyed(path, elements, None)
    }

    fn keyed(
        mut path: Vec<Element>,
        attributes: Vec<Element>,
        prefix_length: Option<u8>,
    ) -> Result<Self, Gs1Error> {
        // The extension "0" means that there is none (TDS 6.3.4).
        path.retain(|element| element.ai != "254" || element.value != "0");
        let primary = path.first().ok_or(Gs1Error::NoPrimaryKey)?;
        let finest = finest(&path).map(|element| element.ai.as_str());
        let key_type = KeyType::of(&primary.ai, finest).ok_or(Gs1Error::NoPrimaryKey)?;
        Ok(Self { key_type, form: Form::Keyed { path, attributes, prefix_length } })
    }

    /// What it identifies by.
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// Whether it names a class (GTIN, lot, or a key whose serial is missing) instead of one object,
    /// place, party or document.
    pub fn is_class(&self) -> bool {
        let Form::Keyed { path, .. } = &self.form else {
            return false;
        };
        let data = path.first().map_or("", |element| element.value.as_str());
        let serialised = finest(path).is_some_and(|element| element.ai != "10");
        match self.key_type {
            KeyType::Gtin | KeyType::Lgtin | KeyType::Gmn => true,
            KeyType::Itip | KeyType::Cpi => !serialised,
            KeyType::Grai => data.len() == 14,
            KeyType::Gdti | KeyType::Sgcn => data.len() == 13,
            _ => false,
        }
    }

    /// The primary key, `None` for an EPC without GS1 key.
    pub fn primary(&self) -> Option<&Element> {
        self.path().first()
    }

    /// The qualifiers of the primary key, in their order.
    pub fn qualifiers(&self) -> &[Element] {
        self.path().get(1..).unwrap_or(&[])
    }

    /// Data that came along and does not identify: weights, dates, …
    pub fn attributes(&self) -> &[Element] {
        match &self.form {
            Form::Keyed { attributes, .. } => attributes,
            Form::Opaque(_) => &[],
        }
    }

    /// The data of the application identifier `ai`, wherever it stands.
    pub fn get(&self, ai: &str) -> Option<&str> {
        let found = self.path().iter().chain(self.attributes()).find(|element| element.ai == ai)?;
        Some(&found.value)
    }

    fn path(&self) -> &[Element] {
        match &self.form {
            Form::Keyed { path, .. } => path,
            Form::Opaque(_) => &[],
        }
    }

    /// The one form that equal identifiers share: the Digital Link on `https://id.gs1.org` of the
    /// primary key and its finest identifying qualifier, without anything that only describes (CBV
    /// 2.0, 8.9). `None` for an EPC without GS1 key.
    pub fn digital_link(&self) -> Option<String> {
        let primary = self.primary()?;
        Some(link::write(std::iter::once(primary).chain(finest(self.path())), &[]))
    }

    /// The Digital Link on `https://id.gs1.org` with all qualifiers in its path and the attributes
    /// that a Digital Link may carry in its query string. `None` for an EPC without GS1 key.
    pub fn full_digital_link(&self) -> Option<String> {
        self.primary()?;
        let attributes: Vec<Element> = self
            .attributes()
            .iter()
            .filter(|attribute| link::may_be_attribute(&attribute.ai))
            .cloned()
            .collect();
        Some(link::write(self.path().iter(), &attributes))
    }

    /// The EPC URN: a pure identity, `urn:epc:class:lgtin:` for a lot, `urn:epc:idpat:` for a class.
    /// What only describes is left out.
    ///
    /// It needs the length of the GS1 company prefix: `prefix_length` if given, else the one it was
    /// read with, else the one of GS1's list ([`prefix_length()`]). `None` when that is unknown or
    /// does not fit the key, and for keys without EPC scheme (GMN, payment slip, pieces of a lot).
    pub fn epc_urn(&self, prefix_length: Option<u8>) -> Option<String> {
        let (path, known) = match &self.form {
            Form::Opaque(urn) => return Some(urn.clone()),
            Form::Keyed { path, prefix_length, .. } => (path, *prefix_length),
        };
        let primary = path.first()?;
        let length = prefix_length.or(known).or_else(|| self.listed_prefix_length())?;
        urn::write(primary, finest(path), length)
    }

    /// Length of the company prefix by GS1's list. `None` when the list does not have it.
    pub fn listed_prefix_length(&self) -> Option<u8> {
        let primary = self.primary()?;
        prefix_length(primary.value.get(urn::digits_before_prefix(&primary.ai)..)?)
    }

    /// All elements as people read them: `(01)09521234543213(21)1`. An opening bracket in the data
    /// is written `\(`. Empty for an EPC without GS1 key.
    pub fn element_string(&self) -> String {
        let mut out = String::new();
        for element in self.path().iter().chain(self.attributes()) {
            element::push_bracketed(&mut out, element);
        }
        out
    }

    /// All elements as a scanner gives them, with separators (0x1D) where lengths are not
    /// predefined, without symbology identifier. Empty for an EPC without GS1 key.
    pub fn raw_element_string(&self) -> String {
        element::raw_string(self.path().iter().chain(self.attributes()))
    }
}

/// The finest qualifier that belongs to the identity.
fn finest(path: &[Element]) -> Option<&Element> {
    let (primary, qualifiers) = path.split_first()?;
    KeyType::identifying_qualifiers(&primary.ai)
        .iter()
        .find_map(|ai| qualifiers.iter().find(|element| element.ai == *ai))
}
