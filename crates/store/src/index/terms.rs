//! One form for every term, so that whatever a question calls a thing, it finds it.

use std::borrow::Cow;

use countermark_epcis::gs1;

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
        for prefix in
            ["http://ref.gs1.org/cbv/", "https://gs1.org/voc/", "https://www.gs1.org/voc/"]
        {
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
    gs1::canonical(identifier)
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

/// The trade item that a compact Digital Link of a lot or item belongs to.
pub(crate) fn gtin_of(compact: &str) -> Option<&str> {
    let end = compact.strip_prefix("/01/")?.find('/')? + 4;
    compact.get(..end)
}

/// The lot that an item says it is of, in canonical form: an item's own canonical form leaves it
/// out, since it is no part of its identity.
pub(crate) fn lot_of(given: &str, canonical: &str) -> Option<String> {
    if !canonical.contains("/21/") || !given.contains("10") {
        return None;
    }
    let identifier = gs1::Identifier::read(given, gs1::Checks::Syntax).ok()?;
    let lot = identifier.get("10")?;
    let gtin = gtin_of(compact(canonical))?;
    let link = gs1::canonical(&format!("(01){}(10){lot}", gtin.strip_prefix("/01/")?)).into_owned();
    link.starts_with(LINK_ROOT).then_some(link)
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
    fn a_lot_and_an_item_know_their_trade_item() {
        for text in ["/01/09506000134352/10/L1", "/01/09506000134352/21/S1"] {
            assert_eq!(gtin_of(text), Some("/01/09506000134352"));
        }
        assert_eq!(gtin_of("/01/09506000134352"), None);
        assert_eq!(gtin_of("/00/095060001343520001"), None);
    }

    #[test]
    fn an_item_says_of_which_lot_it_is() {
        let given = "https://example.com/01/09506000134352/10/L%2F1/21/S1";
        let own = canonical(given);
        assert_eq!(own, "https://id.gs1.org/01/09506000134352/21/S1");
        assert_eq!(
            lot_of(given, &own).as_deref(),
            Some("https://id.gs1.org/01/09506000134352/10/L%2F1")
        );
        let plain = "https://id.gs1.org/01/09506000134352/21/S10";
        assert_eq!(lot_of(plain, plain), None);
    }

    #[test]
    fn compact_text_expands_to_what_it_was() {
        for id in ["https://id.gs1.org/00/1", "https://id.gs1.orgx", "urn:example:1", ""] {
            assert_eq!(expand(compact(id)), id);
        }
    }
}
