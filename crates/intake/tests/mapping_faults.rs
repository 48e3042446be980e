//! Mappings that are wrong: they do not load, and say why; none can run for ever or reach outside.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panic")]

mod support;

use countermark_intake::script::{Script, ScriptError, functions};
use countermark_intake::{Library, LibraryError, Mapping, MappingError, MasterTable};
use support::{mapping, master, parse, root};

const MANIFEST: &str = "id = \"m\"\nversion = \"1\"\ntitle = \"t\"\nemits = []\nverified = \"none\"\n\
                        [source]\nkind = \"json\"\nmessage = \"x\"\n";

fn faults(manifest: &str, program: &str, units: &str) -> String {
    Mapping::from_texts("m", manifest, program, units).expect_err("has to be refused").to_string()
}

#[test]
fn a_program_that_does_not_compile_shows_line_and_caret() {
    let text = faults(MANIFEST, "a = 1\nb = lenght(.x)\n", "");
    assert!(text.contains("mapping \"m\": map.vrl"), "{text}");
    assert!(text.contains("E105") && text.contains("2 │ b = lenght(.x)"), "{text}");
    assert!(text.contains("^^^^^^ ") || text.contains("^^^^^^\n"), "{text}");
    assert!(text.contains("length"), "it suggests the right name: {text}");
}

#[test]
fn nothing_outside_the_document_can_be_reached() {
    for call in [
        "now()",
        "uuid_v4()",
        "random_int(1, 2)",
        "get_env_var!(\"HOME\")",
        "http_request!(\"http://example.com\")",
        "dns_lookup!(\"example.com\")",
        "get_hostname!()",
        "log(\"x\")",
        "parse_grok!(\"a\", \"b\")",
        "decode_gzip!(\"a\")",
        "range(0, 10)",
    ] {
        let text = faults(MANIFEST, call, "");
        assert!(text.contains("E105"), "{call}: {text}");
    }
    let text = faults(MANIFEST, ".rows = []", "");
    assert!(text.contains("read-only") || text.contains("E315"), "the document is fixed: {text}");
    assert!(faults(MANIFEST, "while true { 1 }", "").contains("E2"), "there is no loop");
}

#[test]
fn a_program_that_works_too_long_is_stopped() {
    // Every loop runs over a list of the document; nested ones are bounded by steps.
    let program = "a = list(.x)\n\
        for_each(a) -> |_i, _v| { for_each(a) -> |_j, _w| { for_each(a) -> |_k, _u| { null } } }\n";
    let script = Script::compile(program).unwrap();
    let many: Vec<String> = (0..60).map(|n| n.to_string()).collect();
    let document = parse(&format!("{{\"x\":[{}]}}", many.join(",")));
    assert_eq!(script.run(&document, 10_000), Err(ScriptError::Steps(10_000)));
    assert!(script.run(&document, 10_000_000).is_ok());
    let mapping = Mapping::from_texts("m", MANIFEST, &program.replace(".x", ".documents"), "");
    let lines = "{}\n".repeat(600);
    let stopped = mapping.unwrap().import(lines.as_bytes(), &MasterTable::default());
    let text = stopped.expect_err("hundreds of millions of steps").to_string();
    assert!(text.contains("steps"), "{text}");
}

#[test]
fn a_program_that_aborts_says_so() {
    let script = Script::compile("if .x == 1 { 1 } else { abort \"no\" }").unwrap();
    let stopped = script.run(&parse("{}"), 1_000).expect_err("aborts");
    assert!(matches!(stopped, ScriptError::Stopped(_)), "{stopped}");
    let large = " ".repeat(300 << 10);
    assert!(matches!(Script::compile(&large), Err(ScriptError::Size(_))));
}

#[test]
fn a_manifest_or_unit_table_that_is_wrong_is_named() {
    assert!(faults("id = 1", "{}", "").contains("map.toml"));
    let wrong = |from: &str, to: &str| faults(&MANIFEST.replace(from, to), "{}", "");
    assert!(wrong("\"m\"", "\"other\"").contains("name of the folder"));
    assert!(wrong("\"json\"", "\"edifact\"").contains("source.kind = \"edifact\""));
    assert!(wrong("verified", "checked").contains("unknown field"));
    let zone = format!("{MANIFEST}[time]\nzone = \"Mars/Olympus\"\n");
    assert!(faults(&zone, "{}", "").contains("IANA"));
    let dates = format!("{MANIFEST}[time]\ndate_formats = [\"D/M\"]\n");
    assert!(faults(&dates, "{}", "").contains("date_formats"));
    let units = |line: &str| faults(MANIFEST, "{}", &format!("code,kind,rec20,factor\n{line}\n"));
    assert!(units("CA,count,CA,1").contains("line 2: a count has no Rec 20 code"));
    assert!(units("KG,measure,ST,1").contains("no Rec 20 code of a measure"));
    assert!(units("KG,weight,KGM,1").contains("neither count nor measure"));
    assert!(units("DZ,count,,0").contains("no positive number"));
    assert!(units("DZ,count,,12\nDZ,count,,12").contains("stands twice"));
}

#[test]
fn a_mapping_of_an_unknown_name_lists_the_known_ones() {
    let error = Library::shipped().get("x12-999").expect_err("there is none");
    assert!(matches!(error, LibraryError::Unknown { .. }));
    assert!(error.to_string().contains("x12-856"), "{error}");
}

#[test]
fn a_folder_adds_mappings_and_takes_the_place_of_shipped_ones() {
    let folder = tempfile::tempdir().unwrap();
    for (name, program) in [("my-format", "{}"), ("x12-204", "{ \"expectations\": [] }")] {
        let own = folder.path().join(name);
        std::fs::create_dir(&own).unwrap();
        let manifest = MANIFEST.replace("\"m\"", &format!("\"{name}\""));
        std::fs::write(own.join("map.toml"), manifest).unwrap();
        std::fs::write(own.join("map.vrl"), program).unwrap();
    }
    std::fs::create_dir(folder.path().join("notes")).unwrap();
    let mut library = Library::shipped();
    library.add_folder(folder.path()).unwrap();
    assert!(library.names().any(|name| name == "my-format"));
    assert!(!library.names().any(|name| name == "notes"));
    assert_eq!(library.get("x12-204").unwrap().manifest().format.as_str(), "json");
    let missing = library.add_folder(&folder.path().join("nowhere")).expect_err("not there");
    assert!(missing.to_string().contains("nowhere"));
    let error = Library::shipped().get("x12-204").map(|_| ());
    assert!(!matches!(error, Err(LibraryError::Mapping(MappingError::Script { .. }))));
}

#[test]
fn an_event_that_epcis_would_refuse_is_the_documents_error_not_an_event() {
    let program = "{ \"events\": [{ \"type\": \"ObjectEvent\", \"action\": \"SEND\", \"bizStep\": \
                   \"shipping\", \"time\": { \"date\": \"2026-11-14T10:00:00Z\" } }] }";
    let mapping = Mapping::from_texts("m", MANIFEST, program, "").unwrap();
    let outcome = mapping.import(b"{\"a\":1}", &MasterTable::default()).unwrap();
    assert!(outcome.events.is_empty());
    assert!(
        outcome.findings.iter().any(|f| f.message.contains("/action")),
        "{:?}",
        outcome.findings
    );
}

#[test]
fn master_data_with_contradictions_is_refused() {
    let faults = |text: &str| MasterTable::from_toml(text).expect_err("wrong").to_string();
    let party = |gln: &str, code: &str| {
        format!("[[party]]\ngln = \"{gln}\"\nname = \"{code} Ltd\"\ncodes = [\"{code}\"]\n")
    };
    assert!(faults(&party("9506000100013", "A")).contains("party 1: the check digit"));
    let twice =
        party("9506000100012", "A") + &party("9506000100029", "A").replace("A Ltd", "B Ltd");
    assert!(faults(&twice).contains("party 2: \"A\" already stands for another entry"));
    assert!(faults("[[item]]\ngtin = \"1\"\nname = \"x\"\n").contains("item 1"));
    let zone = "[[site]]\ngln = \"9506000100012\"\nname = \"x\"\nzone = \"PST\"\n";
    assert!(faults(zone).contains("IANA"));
    let table = "kind,key,name,party,zone,measure,codes\n\
                 site,9506000100012,Farm,,America/Los_Angeles,,FARM|F1\n\
                 item,19506000134366,Tomatoes,,,KGM,RM-TOM\n";
    let table = MasterTable::from_csv(table).unwrap();
    use countermark_intake::MasterData as _;
    assert_eq!(table.location("", "f1").unwrap().gln, "9506000100012");
    assert_eq!(table.item("", "RM-TOM").unwrap().measure.as_deref(), Some("KGM"));
    assert!(
        MasterTable::from_csv("kind,key,name,party,zone,measure,codes\nplace,1,,,,,\n").is_err()
    );
}

#[test]
fn a_code_of_one_system_goes_before_the_same_code_of_all() {
    let master = MasterTable::from_toml(
        "[[site]]\ngln = \"9506000100012\"\nname = \"A\"\ncodes = [\"1710\"]\n\
         [[site]]\ngln = \"9506000100029\"\nname = \"B\"\ncodes = [\"S4H/1710\"]\n",
    );
    let master = master.unwrap();
    use countermark_intake::MasterData as _;
    assert_eq!(master.location("S4H", "1710").unwrap().name, "B");
    assert_eq!(master.location("ECC", "1710").unwrap().name, "A");
    assert_eq!(master.location("ECC", "1711"), None);
}

#[test]
fn every_function_says_what_it_does() {
    let names = functions::names();
    assert!(names.len() >= 50, "{}", names.len());
    for (name, usage) in names {
        assert!(!usage.is_empty() && usage.len() < 120, "{name}");
    }
}

/// The value of one expression.
fn value(expression: &str, document: &str) -> String {
    let script = Script::compile(expression).unwrap_or_else(|error| panic!("{error}"));
    script.run(&parse(document), 10_000).unwrap().to_text()
}

#[test]
fn functions_work_on_text_lists_and_decimals_without_doubles() {
    for (expression, expected) in [
        ("text(.n)", "\"12345678901234567.10\""),
        ("decimal(.n)", "\"12345678901234567.1\""),
        ("add(.n, \"0.2\")", "\"12345678901234567.3\""),
        ("multiply(\"0.1\", \"0.2\")", "\"0.02\""),
        ("subtract(\"1\", \"x\")", "null"),
        ("decimal(\"1.95E+13\")", "null"),
        ("mean([\"1\", \"2\", \"2\"])", "\"1.67\""),
        ("min([\"10\", \"9.5\"])", "\"9.5\""),
        ("max([\"10\", \"9.5\"])", "\"10\""),
        ("sum([\"0.1\", \"0.2\"])", "\"0.3\""),
        ("replace(\"a.b.c\", \".\", \"-\")", "\"a-b-c\""),
        ("slice(\"2026-11-14\", 5, 7)", "\"11\""),
        ("pad_left(\"7\", 3)", "\"007\""),
        ("trim_zeros(\"000\")", "\"0\""),
        ("join(split(\"a,b\", \",\"), \"|\")", "\"a|b\""),
        ("length(list(.missing))", "0"),
        ("length(list(.n))", "1"),
        ("compact([1, null, \"\", [2]])", "[1,[2]]"),
        ("flatten([[1], 2, [3]])", "[1,2,3]"),
        ("unique([1, 1, 2])", "[1,2]"),
        ("keys(.o)", "[\"a\"]"),
        ("get(.o, \"a\")", "\"1\""),
        ("merge(.o, {\"b\": 2}).b", "2"),
        ("lookup({\"x\": 1}, \"y\", 9)", "9"),
        (
            "group_by([\"b1\", \"a1\", \"b2\"]) -> |_i, v| { slice(v, 0, 1) }",
            "[{\"items\":[\"b1\",\"b2\"],\"key\":\"b\"},{\"items\":[\"a1\"],\"key\":\"a\"}]",
        ),
        ("filter([1, 2]) -> |i, _v| { i == 1 }", "[2]"),
        ("gtin(\"(01)19506000134359\").uri", "\"https://id.gs1.org/01/19506000134359\""),
        (
            "lot_class(\"9506000134352\", \"L/1\").uri",
            "\"https://id.gs1.org/01/09506000134352/10/L%2F1\"",
        ),
        ("gln(\"9506000100013\").fault", "\"the check digit of GLN 9506000100013 is 3, not 2\""),
        ("sscc(\"00195060001000000019\").uri", "\"https://id.gs1.org/00/195060001000000019\""),
        ("cell(.o, \"a\").at", "\"row 7, column \\\"a\\\"\""),
    ] {
        let document = "{\"n\":12345678901234567.10,\"o\":{\"@at\":\"row 7\",\"a\":1}}";
        assert_eq!(value(expression, document), expected, "{expression}");
    }
    let doubling = "s = \"aaaaaaaaaaaaaaaa\"\nfor_each(list(.x)) -> |_i, _v| { s = replace(s, \"a\", \
                    \"aaaaaaaaaaaaaaaa\") || \"\" }\nlength(s)";
    let many = vec!["0"; 40].join(",");
    assert_eq!(value(doubling, &format!("{{\"x\":[{many}]}}")), "0", "growth is cut off");
}

#[test]
fn shipped_mappings_are_those_of_the_folder() {
    let mut folders: Vec<String> = std::fs::read_dir(root().join("mappings"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    folders.sort();
    let library = Library::shipped();
    assert_eq!(library.names().collect::<Vec<_>>(), folders);
    let _ = (mapping(&folders[0]), master());
}

#[test]
fn the_reference_lists_every_function() {
    let path = root().join("mappings/README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- functions").unwrap();
    let (mark, rest) = rest.split_once('\n').unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let mut names = functions::names();
    names.sort_unstable();
    let rows: String =
        names.iter().map(|(name, usage)| format!("| `{name}` | {usage} |\n")).collect();
    let wanted = format!(
        "{before}<!-- functions{mark}\n| function | gives |\n| --- | --- |\n{rows}<!-- end -->{after}"
    );
    if std::env::var_os("COUNTERMARK_REGENERATE").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    } else {
        assert_eq!(text, wanted, "run it with COUNTERMARK_REGENERATE=1");
    }
}
