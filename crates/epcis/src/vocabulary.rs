//! The Core Business Vocabulary: which words are standard where, their canonical web URIs, and the
//! older forms in which they still arrive.
//!
//! In JSON a standard word stands bare (`shipping`); a user's own word is a URI. Source: CBV 2.0
//! §7 and the EPCIS 2.0 JSON-LD context (GS1, 2023-05), read 2026-11.

use std::borrow::Cow;

/// Business steps (CBV 2.0 §7.1).
const BIZ_STEPS: &[&str] = &[
    "accepting",
    "arriving",
    "assembling",
    "collecting",
    "commissioning",
    "consigning",
    "creating_class_instance",
    "cycle_counting",
    "decommissioning",
    "departing",
    "destroying",
    "disassembling",
    "dispensing",
    "encoding",
    "entering_exiting",
    "holding",
    "inspecting",
    "installing",
    "killing",
    "loading",
    "other",
    "packing",
    "picking",
    "receiving",
    "removing",
    "repackaging",
    "repairing",
    "replacing",
    "reserving",
    "retail_selling",
    "sampling",
    "sensor_reporting",
    "shipping",
    "staging_outbound",
    "stock_taking",
    "stocking",
    "storing",
    "transporting",
    "unloading",
    "unpacking",
    "void_shipping",
];

/// Dispositions (CBV 2.0 §7.2).
const DISPOSITIONS: &[&str] = &[
    "active",
    "available",
    "completeness_inferred",
    "completeness_verified",
    "conformant",
    "container_closed",
    "container_open",
    "damaged",
    "destroyed",
    "dispensed",
    "disposed",
    "encoded",
    "expired",
    "in_progress",
    "in_transit",
    "inactive",
    "mismatch_class",
    "mismatch_instance",
    "mismatch_quantity",
    "needs_replacement",
    "no_pedigree_match",
    "non_conformant",
    "non_sellable_other",
    "partially_dispensed",
    "recalled",
    "reserved",
    "retail_sold",
    "returned",
    "sellable_accessible",
    "sellable_not_accessible",
    "stolen",
    "unavailable",
    "unknown",
];

/// Business transaction types (CBV 2.0 §7.3).
const BIZ_TRANSACTION_TYPES: &[&str] = &[
    "bol",
    "cert",
    "desadv",
    "inv",
    "pedigree",
    "po",
    "poc",
    "prodorder",
    "recadv",
    "rma",
    "testprd",
    "testres",
    "upevt",
];

/// Source and destination types (CBV 2.0 §7.4).
const SOURCE_DEST_TYPES: &[&str] = &["location", "owning_party", "possessing_party"];

/// Error reasons (CBV 2.0 §7.5).
const ERROR_REASONS: &[&str] = &["did_not_occur", "incorrect_data"];

/// Sensor measurement types (GS1 Web Vocabulary, taken up by CBV 2.0).
const MEASUREMENT_TYPES: &[&str] = &[
    "AbsoluteHumidity",
    "AbsorbedDose",
    "AbsorbedDoseRate",
    "Acceleration",
    "Altitude",
    "AmountOfSubstance",
    "AmountOfSubstancePerUnitVolume",
    "Angle",
    "AngularAcceleration",
    "AngularMomentum",
    "AngularVelocity",
    "Area",
    "Capacitance",
    "Conductance",
    "Conductivity",
    "Count",
    "Density",
    "Dimensionless",
    "DoseEquivalent",
    "DoseEquivalentRate",
    "DynamicViscosity",
    "ElectricCharge",
    "ElectricCurrent",
    "ElectricCurrentDensity",
    "ElectricFieldStrength",
    "Energy",
    "Exposure",
    "Force",
    "Frequency",
    "Illuminance",
    "Inductance",
    "Irradiance",
    "KinematicViscosity",
    "Length",
    "LinearMomentum",
    "Luminance",
    "LuminousFlux",
    "LuminousIntensity",
    "MagneticFlux",
    "MagneticFluxDensity",
    "MagneticVectorPotential",
    "Mass",
    "MassConcentration",
    "MassFlowRate",
    "MassPerAreaTime",
    "MemoryCapacity",
    "MolalityOfSolute",
    "MolarEnergy",
    "MolarMass",
    "MolarVolume",
    "Power",
    "Pressure",
    "RadiantFlux",
    "RadiantIntensity",
    "Radioactivity",
    "RelativeHumidity",
    "Resistance",
    "Resistivity",
    "SolidAngle",
    "SpecificVolume",
    "Speed",
    "SurfaceDensity",
    "SurfaceTension",
    "Temperature",
    "Time",
    "Torque",
    "Voltage",
    "Volume",
    "VolumeFlowRate",
    "VolumeFraction",
    "VolumetricFlux",
    "Wavenumber",
];

/// Sensor alert types (GS1 Web Vocabulary, taken up by CBV 2.0).
const ALERT_TYPES: &[&str] = &["ALARM_CONDITION", "ERROR_CONDITION"];

/// Components of a vector (CBV 2.0).
const COMPONENTS: &[&str] = &[
    "altitude",
    "axial_distance",
    "azimuth",
    "easting",
    "elevation_angle",
    "height",
    "latitude",
    "longitude",
    "northing",
    "polar_angle",
    "spherical_radius",
    "x",
    "y",
    "z",
];

/// Web URI of the Core Business Vocabulary.
pub const CBV: &str = "https://ref.gs1.org/cbv/";
/// Web URI of the GS1 Web Vocabulary, as the EPCIS 2.0.0 context has it.
pub const GS1: &str = "https://gs1.org/voc/";

/// A list of standard words, with the field it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Vocabulary {
    /// `bizStep`
    BizStep,
    /// `disposition`, and `set` and `unset` of `persistentDisposition`
    Disposition,
    /// `type` of a business transaction
    BizTransactionType,
    /// `type` of a source or destination
    SourceDestType,
    /// `reason` of an error declaration
    ErrorReason,
    /// `type` of a sensor report
    MeasurementType,
    /// `exception` of a sensor report
    AlertType,
    /// `component` of a sensor report
    Component,
}

impl Vocabulary {
    /// The standard words, sorted.
    #[must_use]
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Vocabulary::BizStep => BIZ_STEPS,
            Vocabulary::Disposition => DISPOSITIONS,
            Vocabulary::BizTransactionType => BIZ_TRANSACTION_TYPES,
            Vocabulary::SourceDestType => SOURCE_DEST_TYPES,
            Vocabulary::ErrorReason => ERROR_REASONS,
            Vocabulary::MeasurementType => MEASUREMENT_TYPES,
            Vocabulary::AlertType => ALERT_TYPES,
            Vocabulary::Component => COMPONENTS,
        }
    }

    /// The rule that a finding about this vocabulary names.
    #[must_use]
    pub fn rule(self) -> &'static str {
        match self {
            Vocabulary::BizStep => "cbv.biz-step",
            Vocabulary::Disposition => "cbv.disposition",
            Vocabulary::BizTransactionType => "cbv.biz-transaction-type",
            Vocabulary::SourceDestType => "cbv.source-dest-type",
            Vocabulary::ErrorReason => "cbv.error-reason",
            Vocabulary::MeasurementType => "cbv.measurement-type",
            Vocabulary::AlertType => "cbv.alert-type",
            Vocabulary::Component => "cbv.component",
        }
    }

    /// What stands before the word in its canonical web URI.
    #[must_use]
    pub fn web_prefix(self) -> &'static str {
        match self {
            Vocabulary::BizStep => "https://ref.gs1.org/cbv/BizStep-",
            Vocabulary::Disposition => "https://ref.gs1.org/cbv/Disp-",
            Vocabulary::BizTransactionType => "https://ref.gs1.org/cbv/BTT-",
            Vocabulary::SourceDestType => "https://ref.gs1.org/cbv/SDT-",
            Vocabulary::ErrorReason => "https://ref.gs1.org/cbv/ER-",
            Vocabulary::MeasurementType | Vocabulary::AlertType => GS1,
            Vocabulary::Component => "https://ref.gs1.org/cbv/Comp-",
        }
    }

    /// What stands before the word in the URN of CBV 1.x, where there was one.
    #[must_use]
    pub fn urn_prefix(self) -> Option<&'static str> {
        match self {
            Vocabulary::BizStep => Some("urn:epcglobal:cbv:bizstep:"),
            Vocabulary::Disposition => Some("urn:epcglobal:cbv:disp:"),
            Vocabulary::BizTransactionType => Some("urn:epcglobal:cbv:btt:"),
            Vocabulary::SourceDestType => Some("urn:epcglobal:cbv:sdt:"),
            Vocabulary::ErrorReason => Some("urn:epcglobal:cbv:er:"),
            Vocabulary::MeasurementType | Vocabulary::AlertType | Vocabulary::Component => None,
        }
    }

    /// Whether the word is standard here.
    #[must_use]
    pub fn holds(self, word: &str) -> bool {
        self.words().contains(&word)
    }

    /// The local name of a standard URI of this vocabulary in any of its spellings (web URI,
    /// older web URI, compact URI, URN), whether or not it is a standard word.
    #[must_use]
    pub fn local_name(self, value: &str) -> Option<&str> {
        if let Some(word) = self.urn_prefix().and_then(|prefix| value.strip_prefix(prefix)) {
            return Some(word);
        }
        if matches!(self, Vocabulary::MeasurementType | Vocabulary::AlertType) {
            return value.strip_prefix("gs1:").or_else(|| gs1_voc_name(value));
        }
        let name = self.web_prefix().strip_prefix(CBV)?;
        let rest = value
            .strip_prefix("cbv:")
            .or_else(|| value.strip_prefix(CBV))
            .or_else(|| value.strip_prefix("http://ref.gs1.org/cbv/"))
            .or_else(|| value.strip_prefix("https://ns.gs1.org/cbv/"))
            .or_else(|| value.strip_prefix("http://ns.gs1.org/cbv/"))?;
        rest.strip_prefix(name)
    }

    /// The canonical web URI of a value: of a standard word in any of its spellings; a user's own
    /// URI stays as it is, and so does a bare word that is not standard.
    #[must_use]
    pub fn canonical(self, value: &str) -> Cow<'_, str> {
        let word = if self.holds(value) { Some(value) } else { self.local_name(value) };
        match word {
            Some(word) => {
                let mut uri = String::with_capacity(self.web_prefix().len() + word.len());
                uri.push_str(self.web_prefix());
                uri.push_str(word);
                Cow::Owned(uri)
            }
            None => Cow::Borrowed(value),
        }
    }

    /// The standard word nearest to a wrong one, if any is near.
    #[must_use]
    pub fn nearest(self, word: &str) -> Option<&'static str> {
        nearest(word, self.words())
    }
}

/// The local name of a GS1 Web Vocabulary URI in any of the forms that were in use.
fn gs1_voc_name(value: &str) -> Option<&str> {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"))?;
    ["gs1.org/voc/", "www.gs1.org/voc/", "ref.gs1.org/voc/"]
        .iter()
        .find_map(|prefix| rest.strip_prefix(prefix))
}

/// The candidate nearest to a word by edit distance, if it is near enough to be meant.
#[must_use]
pub fn nearest(word: &str, candidates: &[&'static str]) -> Option<&'static str> {
    if word.len() > 64 {
        return None;
    }
    let folded = word.trim().to_ascii_lowercase().replace(['-', ' '], "_");
    let limit = (folded.chars().count() / 3).max(2);
    candidates
        .iter()
        .map(|candidate| (distance(&folded, &candidate.to_ascii_lowercase()), *candidate))
        .filter(|(steps, _)| *steps <= limit)
        .min_by_key(|(steps, _)| *steps)
        .map(|(_, candidate)| candidate)
}

/// Edit distance (insert, delete, replace one character).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_standard_word_has_one_canonical_uri() {
        for value in [
            "shipping",
            "cbv:BizStep-shipping",
            "urn:epcglobal:cbv:bizstep:shipping",
            "https://ref.gs1.org/cbv/BizStep-shipping",
            "https://ns.gs1.org/cbv/BizStep-shipping",
        ] {
            assert_eq!(
                Vocabulary::BizStep.canonical(value),
                "https://ref.gs1.org/cbv/BizStep-shipping"
            );
        }
        assert_eq!(
            Vocabulary::MeasurementType.canonical("gs1:Temperature"),
            Vocabulary::MeasurementType.canonical("https://www.gs1.org/voc/Temperature")
        );
    }

    #[test]
    fn a_users_own_word_stays() {
        assert_eq!(Vocabulary::BizStep.canonical("https://x.example/y"), "https://x.example/y");
        assert_eq!(Vocabulary::BizStep.canonical("transforming"), "transforming");
        assert_eq!(
            Vocabulary::BizStep.canonical("urn:epcglobal:cbv:disp:active"),
            "urn:epcglobal:cbv:disp:active"
        );
    }

    #[test]
    fn the_nearest_word_is_offered_only_when_it_is_near() {
        assert_eq!(Vocabulary::BizStep.nearest("Shiping"), Some("shipping"));
        assert_eq!(Vocabulary::BizStep.nearest("transforming"), Some("transporting"));
        assert_eq!(Vocabulary::Disposition.nearest("in_transport"), Some("in_transit"));
        assert_eq!(Vocabulary::Disposition.nearest("xyzzy"), None);
        assert_eq!(Vocabulary::SourceDestType.nearest("owning party"), Some("owning_party"));
    }

    #[test]
    fn the_lists_have_the_size_of_the_standard() {
        let sizes = [
            (Vocabulary::BizStep, 41),
            (Vocabulary::Disposition, 33),
            (Vocabulary::BizTransactionType, 13),
            (Vocabulary::SourceDestType, 3),
            (Vocabulary::ErrorReason, 2),
            (Vocabulary::MeasurementType, 72),
            (Vocabulary::AlertType, 2),
            (Vocabulary::Component, 14),
        ];
        for (vocabulary, size) in sizes {
            assert_eq!(vocabulary.words().len(), size, "{vocabulary:?}");
            assert!(vocabulary.words().windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
