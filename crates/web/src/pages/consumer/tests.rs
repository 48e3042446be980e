//! The page behind a code: what it shows, what it never shows, and what it weighs.

use countermark_node::publications::{PublicClaim, PublicProof, PublicStep, RecallNotice, Release};

use crate::assets;
use crate::testing::World;

const GTIN: &str = "/01/09521234543213";
const LOT: &str = "/01/09521234543213/10/L1";
const ITEM: &str = "/01/09521234543213/10/L1/21/7";
const EVENT: &str = "urn:x:1";
const EVIL: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
/// One round of packets.
const FIRST_SCREEN_MAX: usize = 14 * 1024;
const EVERYTHING_MAX: usize = 40 * 1024;

fn event(id: &str) -> String {
    format!(
        r#"{{"type":"ObjectEvent","eventID":"{id}","eventTime":"2026-02-01T10:00:00.000Z",
        "eventTimeZoneOffset":"+00:00","action":"OBSERVE","bizStep":"shipping",
        "quantityList":[{{"epcClass":"https://id.gs1.org{LOT}","quantity":5}}]}}"#
    )
}

fn release(words: &str) -> Release {
    let step = |n: usize| PublicStep {
        what: format!("{words} step {n}"),
        place: Some(format!("{words} place {n}")),
        date: Some(format!("2026-02-{:02}", n + 1)),
    };
    let claim = |n: usize| PublicClaim {
        text: format!("{words} claim {n}"),
        said_by: n.is_multiple_of(2).then(|| format!("{words} body")),
    };
    Release {
        identifier: format!("https://id.gs1.org{LOT}"),
        product: format!("{words} salad"),
        description: Some(words.repeat(3)),
        lot: None,
        made: Some("2026-02-01".to_owned()),
        best_before: Some("2999-01-01".to_owned()),
        steps: (0..12).map(step).collect(),
        claims: (0..12).map(claim).collect(),
        proofs: vec![PublicProof {
            event_id: EVENT.to_owned(),
            fields: vec!["/bizStep".to_owned(), "/eventTime".to_owned()],
        }],
        contact: Some(format!("{words} contact")),
    }
}

fn recall(path: &str, words: &str) -> RecallNotice {
    RecallNotice {
        identifier: format!("https://id.gs1.org{path}"),
        title: format!("{words} title"),
        what_to_do: format!("{words} what"),
        contact: Some(format!("{words} whom")),
    }
}

/// A world in which a lot was released with a bundle.
fn released(words: &str) -> World {
    let world = World::new();
    world.capture("Green Farm", &[event(EVENT)]);
    world.node.publication_put(None, release(words)).unwrap();
    world
}

#[test]
fn what_was_not_released_is_not_shown_whether_the_ledger_knows_it_or_not() {
    let world = World::new();
    world.capture("Green Farm", &[event(EVENT)]);
    let known = world.get(LOT);
    let unknown = world.get("/01/09521234543213/10/L2");
    assert_eq!((known.status.as_u16(), unknown.status.as_u16()), (404, 404));
    assert_eq!(known.text(), unknown.text().replace("L2", "L1"));
    assert!(known.text().contains("Nothing has been released"));
    let json = [("accept", "application/json")];
    let (known, unknown) =
        (world.get_with(LOT, &json), world.get_with("/01/09521234543213/10/L2", &json));
    assert_eq!(known.text(), unknown.text().replace("L2", "L1"));
    assert_eq!(world.get(&format!("{LOT}/bundle/0")).status, 404);
}

#[test]
fn a_release_is_shown_with_who_says_what_and_nothing_of_the_event_beside() {
    let world = released("Green");
    let page = world.get(LOT);
    assert_eq!(page.status, 200);
    let text = page.text();
    for shown in ["Green salad", "Green step 11", "Green place 3", "Green body", "2999", "L1"] {
        assert!(text.contains(shown), "{shown}");
    }
    assert!(text.contains("Green Farm says this of itself"), "a claim of one's own is named so");
    assert!(!text.contains(EVENT) && !text.contains("quantity"), "{text}");
    assert_eq!(world.get(ITEM).status, 200, "an item is shown what was released for its lot");
    assert!(world.get(ITEM).text().contains("Released for the whole product or lot"));
}

#[test]
fn a_recall_stands_before_everything_else_in_every_language() {
    let world = released("Green");
    world.node.recall_set(None, recall(GTIN, "Glass")).unwrap();
    for language in ["en", "de", "es", "fr"] {
        for path in [GTIN, LOT, ITEM] {
            let text = world.get(&format!("{path}?lang={language}")).text();
            assert!(text.contains(&format!("<html lang=\"{language}\" dir=\"ltr\">")));
            let at = |what: &str| text.find(what);
            assert!(at("Glass what").is_some(), "{path} in {language}");
            let first = at("class=\"banner recall\"").unwrap();
            assert!(at("<main").is_none_or(|main| first < main));
            assert!(at("Green salad</h1>").is_none_or(|product| first < product));
        }
    }
    world.node.recall_clear(&format!("https://id.gs1.org{GTIN}")).unwrap();
    assert!(!world.get(LOT).text().contains("Glass what"));
}

#[test]
fn a_recall_of_goods_of_which_nothing_was_released_is_shown_alone() {
    let world = World::new();
    world.node.recall_set(None, recall(LOT, "Glass")).unwrap();
    let page = world.get(LOT);
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Glass what") && !page.text().contains("Nothing has been"));
    assert_eq!(world.get(GTIN).status, 404, "the product itself is not recalled");
}

#[test]
fn the_first_screen_and_everything_stay_within_their_weight() {
    let world = released("An ordinary number of words for a product, ");
    world.node.recall_set(None, recall(LOT, "Pieces of glass may be in it")).unwrap();
    for language in ["en", "de", "es", "fr"] {
        let headers = [("accept", "text/html"), ("accept-encoding", "gzip")];
        let page = world.get_with(&format!("{LOT}?lang={language}&check=1"), &headers);
        assert_eq!(page.header("content-encoding"), "gzip");
        let first = page.bytes.len() + assets::weight("consumer.css");
        assert!(first <= FIRST_SCREEN_MAX, "{first} bytes in {language}");
        let more = ["consumer.js", "verifier.js", "mark.svg"].map(assets::weight);
        let all = first + more.iter().sum::<usize>();
        assert!(all <= EVERYTHING_MAX, "{all} bytes in {language}");
    }
}

#[test]
fn stored_script_is_shown_as_text_everywhere() {
    let world = World::new();
    world.capture("Green Farm", &[event(EVENT)]);
    let evil = Release { description: Some(EVIL.to_owned()), ..release(EVIL) };
    world.node.publication_put(None, evil).unwrap();
    world.node.recall_set(None, recall(LOT, EVIL)).unwrap();
    let text = world.get(&format!("{LOT}?check=1&lang=%22%3E%3Cscript%3E")).text();
    assert!(text.contains("&#60;script&#62;") || text.contains("&lt;script&gt;"));
    assert!(!text.contains("<script>") && !text.contains("<img src=x"), "{text}");
    assert!(!text.contains("style=") && !text.contains(" onerror=alert(2)>\""));
}

#[test]
fn no_cookie_no_third_party_and_nothing_inline() {
    let world = released("Green");
    let page = world.get(LOT);
    assert_eq!(page.header("set-cookie"), "");
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
    let text = page.text();
    for attribute in ["src=\"", "href=\""] {
        for part in text.split(attribute).skip(1) {
            let target = part.split('"').next().unwrap();
            assert!(target.starts_with(['/', '?', '#']), "{target}");
            assert!(!target.starts_with("//"), "{target}");
        }
    }
    assert!(!text.contains("<style") && !text.contains("style=\"") && !text.contains("onclick"));
}

#[test]
fn no_address_leads_to_another_host() {
    let world = released("Green");
    let crooked = [
        "/01/09521234543213?linkType=https://evil.example",
        "/01/09521234543213/10/L1?linkType=gs1:verificationService",
        "/01//evil.example/09521234543213",
        "/01/09521234543213/10/%2F%2Fevil.example",
        "/01/09521234543213/10/%0d%0aLocation:%20https:%2F%2Fevil.example",
        "/01/https:%2F%2Fevil.example",
        "/01/%5C%5Cevil.example",
        "/01/09521234543213/10/L1?lang=//evil.example&check=//evil.example&qr=",
        "/00/..%2F..%2Fevil.example",
    ];
    for path in crooked {
        let answer = world.get(path);
        let place = answer.header("location");
        assert!(place.is_empty() || place == "/verify", "{path} leads to {place}");
        assert!(!answer.header("link").contains("//evil"), "{path}: {}", answer.header("link"));
        assert!(!answer.text().contains("href=\"//evil"), "{path}");
    }
}

#[test]
fn the_server_s_own_check_says_that_it_is_the_server_s() {
    let world = released("Green");
    assert!(!world.get(LOT).text().contains("class=\"verdict good\""));
    let text = world.get(&format!("{LOT}?check=1")).text();
    assert!(text.contains("class=\"verdict good\""), "{text}");
    assert!(text.contains("Recorded by Green Farm in a block of"));
    assert!(text.contains("Checked by the server of Green Farm, not by your phone."));
    assert!(text.contains("<dd>shipping</dd>"), "what is disclosed is shown");
    let german = world.get(&format!("{LOT}?check=1&lang=de")).text();
    assert!(german.contains("nicht von Ihrem Telefon"));
}

#[test]
fn programs_get_data_and_links_of_this_server() {
    let world = released("Green");
    world.node.recall_set(None, recall(LOT, "Glass")).unwrap();
    let json = world.get_with(LOT, &[("accept", "application/json")]);
    let value: serde_json::Value = serde_json::from_slice(&json.bytes).unwrap();
    assert_eq!(value["publication"]["release"]["product"], "Green salad");
    assert_eq!(value["bundles"][0], format!("{LOT}/bundle/0"));
    assert_eq!(value["recalls"][0]["notice"]["title"], "Glass title");
    assert!(!json.text().contains("quantityList"));
    let links = world.get_with(LOT, &[("accept", "application/linkset+json")]);
    assert_eq!(links.header("content-type"), "application/linkset+json");
    let value: serde_json::Value = serde_json::from_slice(&links.bytes).unwrap();
    let links = &value["linkset"][0];
    assert_eq!(links["anchor"], format!("https://id.example.com{LOT}"));
    for kind in ["pip", "traceability", "recallStatus", "verificationService"] {
        let target = links[format!("https://gs1.org/voc/{kind}")][0]["href"].as_str().unwrap();
        assert!(target.starts_with("https://id.example.com/"), "{kind}: {target}");
    }
    let all = world.get(&format!("{LOT}?linkType=all"));
    assert_eq!(all.header("content-type"), "application/linkset+json");
    assert!(world.get(LOT).header("link").contains("rel=\"linkset\""));
}

#[test]
fn the_released_bundle_is_given_to_anyone_and_only_it() {
    let world = released("Green");
    let bundle = world.get(&format!("{LOT}/bundle/0"));
    assert_eq!(bundle.status, 200);
    assert_eq!(bundle.header("content-type"), "application/vnd.countermark.bundle+cbor");
    assert!(bundle.bytes.starts_with(b"countermark bundle v1\n"));
    for path in [format!("{LOT}/bundle/1"), format!("{GTIN}/bundle/0"), format!("{LOT}/bundle/x")] {
        assert_ne!(world.get(&path).status, 200, "{path}");
    }
}

#[test]
fn codes_that_are_none_are_refused_in_words() {
    let world = World::new();
    let wrong = world.get("/01/09521234543214");
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().contains("check digit"));
    let program = world.get_with("/01/09521234543214", &[("accept", "application/json")]);
    assert_eq!(program.header("content-type"), "application/problem+json");
    assert_eq!(world.get("/01/95212345432139").status, 400);
    for path in ["/00/395212340000000014", "/8006/095212345432130102", "/01/9521234543213"] {
        assert_eq!(world.get(path).status, 404, "{path} is one, of which nothing was released");
    }
}

#[test]
fn a_qr_code_is_an_image_of_the_lookup_s_address() {
    let world = World::new();
    let code = world.get(&format!("{LOT}?qr"));
    assert_eq!(code.header("content-type"), "image/svg+xml");
    assert!(code.text().starts_with("<svg"));
}
