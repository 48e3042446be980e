//! The kinds of identifier.

use std::fmt;

/// What an identifier identifies by: a GS1 key, or another EPC scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// Serial Shipping Container Code, (00).
    Sscc,
    /// Global Trade Item Number, (01): a class.
    Gtin,
    /// GTIN and batch or lot, (01)(10): a class.
    Lgtin,
    /// GTIN and serial number, (01)(21).
    Sgtin,
    /// GTIN and third-party-controlled serial, (01)(235).
    Upui,
    /// Global Document Type Identifier, (253).
    Gdti,
    /// Global Coupon Number, (255).
    Sgcn,
    /// Global Identification Number for Consignment, (401).
    Ginc,
    /// Global Shipment Identification Number, (402).
    Gsin,
    /// Global Location Number of a place with or without extension, (414)(254).
    Sgln,
    /// Global Location Number of a party to pay and reference of the payment slip, (415)(8020).
    PaymentSlip,
    /// Global Location Number of a party, (417).
    Pgln,
    /// Global Returnable Asset Identifier, (8003).
    Grai,
    /// Global Individual Asset Identifier, (8004).
    Giai,
    /// Individual trade item piece, (8006).
    Itip,
    /// Component and part identifier, (8010)(8011).
    Cpi,
    /// Global Model Number, (8013).
    Gmn,
    /// Global Service Relation Number of a provider, (8017).
    Gsrnp,
    /// Global Service Relation Number of a recipient, (8018).
    Gsrn,
    /// US Department of Defense identifier: EPC URN only.
    Usdod,
    /// Aerospace and defence identifier: EPC URN only.
    Adi,
    /// BIC freight container code: EPC URN only.
    Bic,
    /// General identifier: EPC URN only.
    Gid,
    /// IMO vessel number: EPC URN only.
    Imovn,
}

impl KeyType {
    /// The name in capitals, as GS1's Tag Data Standard writes it where it has one.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sscc => "SSCC",
            Self::Gtin => "GTIN",
            Self::Lgtin => "LGTIN",
            Self::Sgtin => "SGTIN",
            Self::Upui => "UPUI",
            Self::Gdti => "GDTI",
            Self::Sgcn => "SGCN",
            Self::Ginc => "GINC",
            Self::Gsin => "GSIN",
            Self::Sgln => "SGLN",
            Self::PaymentSlip => "PAYMENT SLIP",
            Self::Pgln => "PGLN",
            Self::Grai => "GRAI",
            Self::Giai => "GIAI",
            Self::Itip => "ITIP",
            Self::Cpi => "CPI",
            Self::Gmn => "GMN",
            Self::Gsrnp => "GSRNP",
            Self::Gsrn => "GSRN",
            Self::Usdod => "USDOD",
            Self::Adi => "ADI",
            Self::Bic => "BIC",
            Self::Gid => "GID",
            Self::Imovn => "IMOVN",
        }
    }

    /// The kind that the primary key `ai` and its finest qualifier make.
    pub(super) fn of(primary: &str, finest: Option<&str>) -> Option<Self> {
        Some(match (primary, finest) {
            ("00", _) => Self::Sscc,
            ("01", Some("21")) => Self::Sgtin,
            ("01", Some("235")) => Self::Upui,
            ("01", Some("10")) => Self::Lgtin,
            ("01", _) => Self::Gtin,
            ("253", _) => Self::Gdti,
            ("255", _) => Self::Sgcn,
            ("401", _) => Self::Ginc,
            ("402", _) => Self::Gsin,
            ("414", _) => Self::Sgln,
            ("415", _) => Self::PaymentSlip,
            ("417", _) => Self::Pgln,
            ("8003", _) => Self::Grai,
            ("8004", _) => Self::Giai,
            ("8006", _) => Self::Itip,
            ("8010", _) => Self::Cpi,
            ("8013", _) => Self::Gmn,
            ("8017", _) => Self::Gsrnp,
            ("8018", _) => Self::Gsrn,
            _ => return None,
        })
    }

    /// Qualifiers that belong to the identity, finest first; all others only describe. An EPC has
    /// no room for a consumer product variant (22), an importer (7040) or a service relation
    /// instance (8019), and CBV identifies objects, lots and classes as EPCs do.
    pub(super) fn identifying_qualifiers(primary: &str) -> &'static [&'static str] {
        match primary {
            "01" => &["235", "21", "10"],
            "8006" => &["21", "10"],
            "414" => &["254"],
            "415" => &["8020"],
            "8010" => &["8011"],
            _ => &[],
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
