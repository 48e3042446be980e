//! Compression of class bodies with one shared dictionary.
//!
//! Bodies are short, so what they have in common is given to zstd beforehand: EPCIS member names
//! and CBV words. The dictionary is part of the format; a changed one gets a new method number.
//!
//! Method 2 has the words of method 1 and before them the tables by which zstd codes what is left, made
//! once from the bodies of 348 public EPCIS events: a body need not bring tables of its own, which takes
//! an eighth off its length and two thirds off the time. What method 1 packed is still read.

use std::sync::OnceLock;
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

/// Stored as it is.
const METHOD_STORED: u8 = 0;
/// zstd with the dictionary below.
const METHOD_ZSTD_1: u8 = 1;
/// zstd with the tables and the dictionary below.
const METHOD_ZSTD_2: u8 = 2;
/// Bodies are short: higher levels take longer and gain almost nothing.
const LEVEL: i32 = 1;

/// What is common comes last, where zstd reaches it with the shortest offsets.
const DICTIONARY_1: &[u8] = br#"{"certificationInfo":"https://","persistentDisposition":{"set":["completeness_verified"],"unset":["completeness_inferred"]},"errorDeclaration":{"declarationTime":"2026-01-01T00:00:00.000Z","reason":"incorrect_data","correctiveEventIDs":["urn:uuid:"]}}{"transformationID":"urn:uuid:","inputEPCList":["https://id.gs1.org/01/09521321"],"outputEPCList":["https://id.gs1.org/01/09521321"]}{"sensorElementList":[{"sensorMetadata":{"time":"2026-","startTime":"2026-","endTime":"2026-","deviceID":"https://id.gs1.org/8004/","deviceMetadata":"https://id.gs1.org/8004/","rawData":"https://","dataProcessingMethod":"https://","bizRules":"https://"},"sensorReport":[{"type":"gs1:AbsoluteHumidity","value":0.0,"component":"x","stringValue":"","booleanValue":true,"hexBinaryValue":"","uriValue":"","uom":"P1","minValue":0.0,"maxValue":0.0,"meanValue":0.0,"sDev":0.1,"percRank":50,"percValue":0.0},{"type":"Temperature","value":4.0,"uom":"CEL","time":"2026-"}]}]}commissioning","bizStep":"decommissioning","bizStep":"creating_class_instance","bizStep":"encoding","bizStep":"destroying","bizStep":"dispensing","bizStep":"entering_exiting","bizStep":"holding","bizStep":"inspecting","bizStep":"installing","bizStep":"loading","bizStep":"unloading","bizStep":"packing","bizStep":"unpacking","bizStep":"picking","bizStep":"repackaging","bizStep":"retail_selling","bizStep":"sampling","bizStep":"sensor_reporting","bizStep":"staging_outbound","bizStep":"stocking","bizStep":"storing","bizStep":"transporting","bizStep":"void_shipping","bizStep":"accepting","bizStep":"arriving","bizStep":"assembling","bizStep":"collecting","bizStep":"cycle_counting","bizStep":"departing","bizStep":"receiving","bizStep":"shipping","disposition":"active","disposition":"container_closed","disposition":"damaged","disposition":"expired","disposition":"in_progress","disposition":"recalled","disposition":"returned","disposition":"sellable_accessible","disposition":"sellable_not_accessible","disposition":"conformant","disposition":"in_transit","bizTransactionList":[{"type":"inv","bizTransaction":"urn:epcglobal:cbv:bt:"},{"type":"desadv","bizTransaction":"https://id.gs1.org/417/9521321000010"},{"type":"bol"},{"type":"po","bizTransaction":"urn:epcglobal:cbv:bt:"}],"sourceList":[{"type":"possessing_party","source":"https://id.gs1.org/417/"},{"type":"location","source":"https://id.gs1.org/414/"},{"type":"owning_party","source":"urn:epc:id:pgln:"}],"destinationList":[{"type":"possessing_party","destination":"https://id.gs1.org/417/"},{"type":"location","destination":"https://id.gs1.org/414/"},{"type":"owning_party","destination":"urn:epc:id:pgln:"}]}{"ilmd":{"cbvmda:countryOfOrigin":"","cbvmda:lotNumber":"","cbvmda:bestBeforeDate":"2026-","cbvmda:itemExpirationDate":"2026-"}}{"_provenance":{"mapping":{"name":"","version":1},"sourceDocument":{"sha256":"","cid":"bafkrei"},"eventHash":"ni:///sha-256;?ver=CBV2.0","line":1}}{"childQuantityList":[{"epcClass":"https://id.gs1.org/01/","quantity":1}],"inputQuantityList":[{"epcClass":"urn:epc:class:lgtin:","quantity":1,"uom":"KGM"}],"outputQuantityList":[{"epcClass":"https://id.gs1.org/01/","quantity":1,"uom":"KGM"}]}{"quantityList":[{"epcClass":"urn:epc:idpat:sgtin:","quantity":1,"uom":"EA"},{"epcClass":"https://id.gs1.org/01/09521321000018/10/","quantity":10,"uom":"KGM"}]}{"readPoint":{"id":"urn:epc:id:sgln:"},"bizLocation":{"id":"urn:epc:id:sgln:"}}{"readPoint":{"id":"https://id.gs1.org/414/9521321000010/254/"},"bizLocation":{"id":"https://id.gs1.org/414/9521321000010"}}{"eventTime":"2026-01-01T00:00:00.000Z","eventTimeZoneOffset":"-05:00","recordTime":"2026-01-01T00:00:00.000Z","eventTime":"2026-01-01T00:00:00.000+01:00","eventTimeZoneOffset":"+00:00","bizStep":"shipping","disposition":"in_transit"}{"@context":["https://gs1.github.io/EPCIS/epcis-context.jsonld",{"example":"https://ns.example.com/epcis/","cbvmda":"urn:epcglobal:cbv:mda"}],"type":"AssociationEvent","type":"TransactionEvent","type":"TransformationEvent","type":"AggregationEvent","eventID":"ni:///sha-256;","action":"DELETE","parentID":"https://id.gs1.org/00/","childEPCs":["https://id.gs1.org/01/","urn:epc:id:sscc:","urn:epc:id:sgtin:"]}{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"ObjectEvent","eventID":"urn:uuid:","action":"ADD","action":"OBSERVE","epcList":["https://id.gs1.org/00/","https://id.gs1.org/01/09521321000018/21/","https://id.gs1.org/01/09521321000018/10/"]}"#;

/// The head of a zstd dictionary (RFC 8878 §6), whose content follows in [`DICTIONARY_1`].
const TABLES_2: &[u8] = include_bytes!("tables-2.bin");

static ENCODER: OnceLock<EncoderDictionary<'static>> = OnceLock::new();
static DECODER_1: OnceLock<DecoderDictionary<'static>> = OnceLock::new();
static DECODER_2: OnceLock<DecoderDictionary<'static>> = OnceLock::new();

fn dictionary_2() -> Vec<u8> {
    [TABLES_2, DICTIONARY_1].concat()
}

/// Compresses many bodies with one context.
pub(crate) struct Packer {
    compressor: Compressor<'static>,
}

impl Packer {
    pub(crate) fn new() -> std::io::Result<Self> {
        let dictionary = ENCODER.get_or_init(|| EncoderDictionary::copy(&dictionary_2(), LEVEL));
        let mut compressor = Compressor::with_prepared_dictionary(dictionary)?;
        // The length is in what is sealed, the checksum in the tag of the cipher, the dictionary in
        // the method.
        compressor.include_contentsize(false)?;
        compressor.include_dictid(false)?;
        compressor.include_checksum(false)?;
        Ok(Self { compressor })
    }

    /// Method byte and packed content; stored where packing gains nothing.
    pub(crate) fn pack(&mut self, content: &[u8]) -> std::io::Result<Vec<u8>> {
        let packed = self.compressor.compress(content)?;
        let (method, body) = if packed.len() < content.len() {
            (METHOD_ZSTD_2, packed.as_slice())
        } else {
            (METHOD_STORED, content)
        };
        let mut out = Vec::with_capacity(1 + body.len());
        out.push(method);
        out.extend_from_slice(body);
        Ok(out)
    }
}

/// Unpacks many bodies with one context for each dictionary.
pub(crate) struct Unpacker {
    first: Decompressor<'static>,
    second: Decompressor<'static>,
}

impl Unpacker {
    pub(crate) fn new() -> std::io::Result<Self> {
        let first = DECODER_1.get_or_init(|| DecoderDictionary::copy(DICTIONARY_1));
        let second = DECODER_2.get_or_init(|| DecoderDictionary::copy(&dictionary_2()));
        Ok(Self {
            first: Decompressor::with_prepared_dictionary(first)?,
            second: Decompressor::with_prepared_dictionary(second)?,
        })
    }

    /// Unpacks what [`Packer::pack`] made, now or with method 1; at most `max` bytes come out.
    pub(crate) fn unpack(&mut self, packed: &[u8], max: usize) -> std::io::Result<Vec<u8>> {
        let (decompressor, content) = match packed.split_first() {
            Some((&METHOD_STORED, content)) if content.len() <= max => return Ok(content.to_vec()),
            Some((&METHOD_ZSTD_1, content)) => (&mut self.first, content),
            Some((&METHOD_ZSTD_2, content)) => (&mut self.second, content),
            _ => {
                return Err(std::io::Error::new(
                    std::io::ErrorKind::InvalidData,
                    "unknown packing",
                ));
            }
        };
        // Small first: most bodies are; the bound keeps a hostile frame from allocating.
        let guess = content.len().saturating_mul(8).max(4096).min(max);
        match decompressor.decompress(content, guess) {
            Err(_) if guess < max => decompressor.decompress(content, max),
            result => result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_unpacks_and_a_bound_holds() {
        let mut packer = Packer::new().unwrap();
        let mut unpacker = Unpacker::new().unwrap();
        let mut unpack = |packed: &[u8], max| unpacker.unpack(packed, max);
        let long = br#"{"bizStep":"shipping","disposition":"in_transit"}"#.repeat(500);
        for content in [&b""[..], b"x", b"{\"action\":\"OBSERVE\"}", &long] {
            let packed = packer.pack(content).unwrap();
            assert!(packed.len() <= content.len() + 1);
            assert_eq!(unpack(&packed, 1 << 20).unwrap(), content);
        }
        let packed = packer.pack(&long).unwrap();
        assert!(unpack(&packed, 1000).is_err());
        assert!(unpack(&[9, 1], 10).is_err() && unpack(&[], 10).is_err());
    }

    #[test]
    fn what_the_first_method_packed_still_unpacks() {
        let dictionary = EncoderDictionary::copy(DICTIONARY_1, LEVEL);
        let mut first = Compressor::with_prepared_dictionary(&dictionary).unwrap();
        first.include_contentsize(false).unwrap();
        first.include_checksum(false).unwrap();
        let body =
            br#"{"bizStep":"shipping","disposition":"in_transit","own:carrier":"refrigerated"}"#;
        let mut packed = vec![METHOD_ZSTD_1];
        packed.extend(first.compress(body).unwrap());
        assert_eq!(Unpacker::new().unwrap().unpack(&packed, 4096).unwrap(), body);
        let again = Packer::new().unwrap().pack(body).unwrap();
        assert_eq!(again[0], METHOD_ZSTD_2);
        assert!(again.len() < packed.len(), "{} of {}", again.len(), packed.len());
    }

    #[test]
    fn the_dictionary_is_frozen() {
        use sha2::{Digest, Sha256};
        let digest: [u8; 32] = Sha256::digest(DICTIONARY_1).into();
        // Another dictionary cannot open what this one packed: give it its own method number.
        assert_eq!(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]), 3_247_329_525);
        let digest: [u8; 32] = Sha256::digest(dictionary_2()).into();
        assert_eq!(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]), 1544056508);
    }
}
