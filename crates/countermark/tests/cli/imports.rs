//! `import`: the story's files through the mappings, and X12 files of others.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Node, corpus, ids, root};

const MEMBERS: [&str; 4] =
    ["Example Packhouse", "Example Cold Store", "Example DC", "Example Store"];

/// Member, file and mapping of the story's steps, in order.
const STEPS: [(&str, &str, &str); 13] = [
    ("Example Farm", "farm-harvest.csv", "csv-harvest"),
    ("Example Farm", "farm-shipments.csv", "csv-shipments"),
    ("Example Packhouse", "processor-receipt.xml", "sap-mbgmcr"),
    ("Example Packhouse", "processor-packing.xml", "sap-mbgmcr"),
    ("Example Packhouse", "processor-salad.json", "json-erpnext-stock-entry"),
    ("Example Packhouse", "processor-delivery.xml", "sap-delvry"),
    ("Example Packhouse", "truck-readings.ndjson", "iot-reefer"),
    ("Example Cold Store", "warehouse-receipt-944.edi", "x12-944"),
    ("Example Cold Store", "warehouse-shipping-945.edi", "x12-945"),
    ("Example Cold Store", "warehouse-status-214.edi", "x12-214"),
    ("Example DC", "distributor-receipt.json", "json-erpnext-purchase-receipt"),
    ("Example DC", "distributor-asn-856.edi", "x12-856"),
    ("Example Store", "retailer-receipt.json", "json-odoo-picking"),
];

fn story(name: &str) -> String {
    root().join("examples/fresh-produce").join(name).display().to_string()
}

fn node() -> Node {
    let node = Node::empty();
    node.run("init", &["--name", "Example Farm"]).ends(0);
    for member in MEMBERS {
        node.run("member add", &[member]).ends(0);
    }
    node.run("master-data", &[&story("master-data.toml")]).ends(0);
    node
}

fn import(node: &Node, (member, file, mapping): (&str, &str, &str), code: i32) -> Value {
    let path = story(file);
    node.run("import", &["--as", member, "--mapping", mapping, "--json", &path]).ends(code).json()
}

#[test]
fn the_story_is_imported_once_and_traced_across_five_members() {
    let node = node();
    let mut accepted = Vec::new();
    for step in STEPS {
        let result = import(&node, step, 0);
        let taken = ids(&result, "accepted");
        assert!(!taken.is_empty(), "{step:?}: {result}");
        assert_eq!(result["rejected"], json!([]), "{step:?}");
        accepted.extend(taken);
    }
    assert_eq!(node.events("").len(), accepted.len());
    let mut again = Vec::new();
    for step in STEPS {
        let result = import(&node, step, 0);
        assert_eq!(result["accepted"], json!([]), "{step:?}");
        again.extend(ids(&result, "duplicates"));
    }
    assert_eq!(again, accepted);
    assert_eq!(node.events("").len(), accepted.len());
    let lot = "https://id.gs1.org/01/19506000134359/10/L26318A";
    let trace = node.run("trace", &[lot, "--json"]).ends(0).json();
    let mut members: Vec<&str> = trace["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["member"].as_str().unwrap())
        .collect();
    members.sort_unstable();
    members.dedup();
    assert_eq!(members.len(), 5, "{members:?}");
    assert_eq!(trace["truncated"], false);
    let up = node.run("trace", &[lot, "--up", "--json"]).ends(0).json();
    let down = node.run("trace", &[lot, "--down", "--json"]).ends(0).json();
    let edges = |trace: &Value| trace["edges"].as_array().unwrap().len();
    assert!(edges(&up) > 0 && edges(&down) > 0 && edges(&up) + edges(&down) >= edges(&trace));
    node.sound();
}

#[test]
fn without_master_data_unknown_parties_and_items_are_named_and_nothing_is_taken() {
    let node = Node::new();
    let path = story("processor-receipt.xml");
    let words = ["--mapping", "sap-mbgmcr", "--json", &path];
    let result = node.run("import", &words).ends(1).json();
    assert_eq!(result["accepted"], json!([]));
    let held = result["quarantined"].as_array().unwrap();
    assert!(!held.is_empty(), "{result}");
    for one in held {
        assert!(!one["pointer"].as_str().unwrap().is_empty(), "{one}");
        assert!(!one["value"].as_str().unwrap().is_empty(), "{one}");
    }
    node.run("import", &["--mapping", "sap-mbgmcr", &path])
        .ends(1)
        .says(held[0]["value"].as_str().unwrap());
    assert_eq!(node.events("").len(), 0);
    // With the master data in the same call the same file is taken.
    let master = story("master-data.toml");
    node.run("import", &[&["--master-data", &*master], &words[..]].concat()).ends(0);
    assert!(!node.events("").is_empty());
}

#[test]
fn a_wrong_mapping_or_file_is_named() {
    let node = Node::new();
    let path = story("farm-harvest.csv");
    node.run("import", &["--mapping", "edifact-desadv", &path]).ends(2).says("edifact-desadv");
    node.run("import", &["--mapping", "x12-856", &path]).ends(3).says("farm-harvest.csv");
    node.run("import", &["--mapping", "sap-delvry", &path]).ends(3).says("farm-harvest.csv");
    node.run("import", &["--mapping", "csv-harvest", "gone.csv"]).ends(3).says("gone.csv");
    let master = node.file("master.toml", "[[location]]\ngln = \"123\"\n");
    node.run("master-data", &[&master]).ends(3).says("master.toml");
    assert_eq!(node.events("").len(), 0);
}

#[test]
fn x12_files_of_others_end_with_a_clear_finding() {
    let Some(folder) = corpus("erp/x12") else { return };
    let node = node();
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut checked: BTreeMap<&str, usize> = BTreeMap::new();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("own_") {
            continue;
        }
        for (message, mapping) in
            [("856", "x12-856"), ("945", "x12-945"), ("214", "x12-214"), ("204", "x12-204")]
        {
            let file = path.display().to_string();
            let run = node.run("import", &["--mapping", mapping, "--json", &file]);
            assert!([0, 1, 3].contains(&run.code), "{name} through {mapping}: {run:?}");
            assert!(!run.err.contains("panicked"), "{name} through {mapping}: {run:?}");
            let result = run.json();
            let told: usize = ["rejected", "quarantined"]
                .iter()
                .map(|list| result[*list].as_array().unwrap().len())
                .sum();
            assert_eq!(told > 0, run.code != 0, "{name} through {mapping}: {result}");
            if run.code != 0 {
                assert_eq!(result["accepted"], json!([]), "{name}");
            }
            let right = name.contains(&format!("_{message}")) || name.starts_with(message);
            if right {
                *checked.entry(message).or_default() += 1;
            } else {
                assert_ne!(run.code, 0, "{name} is no {message}");
            }
        }
    }
    for message in ["856", "945", "214", "204"] {
        assert!(checked.get(message).is_some_and(|count| *count >= 3), "{checked:?}");
    }
    node.sound();
}

#[test]
fn a_mapping_of_ones_own_stands_beside_the_shipped_ones() {
    let node = node();
    let folder = node.path("mappings/csv-mine");
    std::fs::create_dir_all(&folder).unwrap();
    let shipped = root().join("mappings/csv-harvest");
    for name in ["map.vrl", "units.csv"] {
        std::fs::copy(shipped.join(name), folder.join(name)).unwrap();
    }
    let manifest = std::fs::read_to_string(shipped.join("map.toml")).unwrap();
    std::fs::write(folder.join("map.toml"), manifest.replace("\"csv-harvest\"", "\"csv-mine\""))
        .unwrap();
    let mappings = node.path("mappings").display().to_string();
    let listed = crate::support::call(&["mapping", "list", "--mappings", &mappings]).ends(0);
    assert!(listed.out.contains("csv-mine"), "{}", listed.out);
    let file = story("farm-harvest.csv");
    node.run("import", &["--mapping", "csv-mine", "--mappings", &mappings, &file]).ends(0);
    node.run("import", &["--mapping", "csv-mine", &file]).ends(2).says("csv-mine");
}
