//! One form for every term, so that whatever a question calls a thing, it finds it.

use std::borrow::Cow;

/// Where canonical Digital Links begin.
pub(crate) const LINK_ROOT: &str = "https://id.gs1.org";

const CBV_WEB: &str = "https://ref.gs1.org/cbv/";
const CBV_URN: &str = "urn:epcglobal:cbv:";

/// A vocabulary of CBV 2.0: how its bare words become URIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vocabulary {
    BizStep,
    Disposition,
    TransactionType,
    PartyType,
    ErrorReason,
}

impl Vocabulary {
    /// The part of the web URI before the word, and of the URN (CBV 2.0 §7).
    fn prefixes(self) -> (&'static str, &'static str) {
        match self {
            Vocabulary::BizStep => ("BizStep-", "bizstep:"),
            Vocabulary::Disposition => ("Disp-", "disp:"),
            Vocabulary::TransactionType => ("BTT-", "btt:"),
            Vocabulary::PartyType => ("SDT-", "sdt:"),
            Vocabulary::ErrorReason => ("ER-", "er:"),
        }
    }

    /// The canonical web URI of a bare word, a CBV URN or a CBV web URI; other URIs unchanged.
    pub(crate) fn canonical(self, term: &str) -> Cow<'_, str> {
        let (web, urn) = self.prefixes();
        if let Some(word) = term.strip_prefix(CBV_URN).and_then(|rest| rest.strip_prefix(urn)) {
            return Cow::Owned(format!("{CBV_WEB}{web}{word}"));
        }
        for prefix in ["http://ref.gs1.org/cbv/", "https://gs1.org/voc/", "https://www.gs1.org/voc/"] {
            if let Some(word) = term.strip_prefix(prefix).and_then(|rest| rest.strip_prefix(web)) {
                return Cow::Owned(format!("{CBV_WEB}{web}{word}"));
            }
        }
        if let Some(word) = term.strip_prefix("cbv:").and_then(|rest| rest.strip_prefix(web)) {
            return Cow::Owned(format!("{CBV_WEB}{web}{word}"));
        }
        if term.contains(':') || term.is_empty() {
            return Cow::Borrowed(term);
        }
        Cow::Owned(format!("{CBV_WEB}{web}{term}"))
    }
}

/// The canonical form of an identifier or location: a GS1 one as Digital Link, others unchanged.
pub(crate) fn canonical(identifier: &str) -> Cow<'_, str> {
    Cow::Borrowed(identifier)
}

/// The form in the tables: a canonical Digital Link without its root.
pub(crate) fn compact(canonical: &str) -> &str {
    match canonical.strip_prefix(LINK_ROOT) {
        Some(path) if path.starts_with('/') => path,
        _ => canonical,
    }
}

/// The reverse of [`compact`]: no URI starts with a slash.
pub(crate) fn expand(compact: &str) -> String {
    if compact.starts_with('/') { format!("{LINK_ROOT}{compact}") } else { compact.to_owned() }
}

/// What a compact Digital Link of a trade item belongs to: its GTIN, and its lot where it is one
/// item of a lot.
pub(crate) fn belongs_to(compact: &str) -> (Option<&str>, Option<&str>) {
    let Some(rest) = compact.strip_prefix("/01/") else { return (None, None) };
    let Some(gtin_end) = rest.find('/').map(|at| at + 4) else { return (None, None) };
    let gtin = Some(&compact[..gtin_end]);
    let Some(lot) = compact[gtin_end..].strip_prefix("/10/") else { return (gtin, None) };
    match lot.find('/') {
        Some(at) => (gtin, Some(&compact[..gtin_end + 4 + at])),
        None => (gtin, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_business_step_is_one_term() {
        for term in [
            "shipping",
            "urn:epcglobal:cbv:bizstep:shipping",
            "https://ref.gs1.org/cbv/BizStep-shipping",
            "http://ref.gs1.org/cbv/BizStep-shipping",
            "https://gs1.org/voc/BizStep-shipping",
            "cbv:BizStep-shipping",
        ] {
            assert_eq!(
                Vocabulary::BizStep.canonical(term),
                "https://ref.gs1.org/cbv/BizStep-shipping"
            );
        }
        assert_eq!(Vocabulary::BizStep.canonical("urn:example:drying"), "urn:example:drying");
    }

    #[test]
    fn an_item_knows_its_lot_and_its_trade_item() {
        assert_eq!(
            belongs_to("/01/09506000134352/10/L1/21/S1"),
            (Some("/01/09506000134352"), Some("/01/09506000134352/10/L1"))
        );
        assert_eq!(belongs_to("/01/09506000134352/10/L1"), (Some("/01/09506000134352"), None));
        assert_eq!(belongs_to("/01/09506000134352"), (None, None));
        assert_eq!(belongs_to("/00/095060001343520001"), (None, None));
    }

    #[test]
    fn compact_text_expands_to_what_it_was() {
        for id in ["https://id.gs1.org/00/1", "https://id.gs1.orgx", "urn:example:1", ""] {
            assert_eq!(expand(compact(id)), id);
        }
    }
}
