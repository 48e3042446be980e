//! The files of `deploy/`: what the unit shuts off, what the container runs as, and that both call
//! the program as it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Node, call, document, named, program, root};

/// The settings of a section; a setting that stands more than once has all its values.
fn section(name: &str) -> BTreeMap<String, Vec<String>> {
    let unit = fs::read_to_string(root().join("deploy/countermark.service")).unwrap();
    let mut settings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut is_in = false;
    for line in unit.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with('[') {
            is_in = line == format!("[{name}]");
        } else if is_in {
            let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("{line}"));
            settings.entry(key.to_owned()).or_default().push(value.to_owned());
        }
    }
    settings
}

/// The long arguments in a command line, each of which the program must know.
fn arguments_are_known(words: &str) {
    let help = call(&["serve", "--help"]).ends(0).out;
    for word in words.split_whitespace().filter(|word| word.starts_with("--")) {
        assert!(help.contains(word), "{word} is no argument of serve");
    }
}

#[test]
fn the_unit_runs_as_a_user_of_its_own_and_shuts_off_what_a_node_does_not_need() {
    let service = section("Service");
    for (key, value) in [
        ("User", "countermark"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("ProtectKernelTunables", "yes"),
        ("ProtectKernelModules", "yes"),
        ("ProtectControlGroups", "yes"),
        ("RestrictNamespaces", "yes"),
        ("RestrictSUIDSGID", "yes"),
        ("LockPersonality", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("SystemCallArchitectures", "native"),
        ("UMask", "0077"),
        ("StateDirectoryMode", "0700"),
    ] {
        assert_eq!(service.get(key).map(|found| &**found), Some(&[value.to_owned()][..]), "{key}");
    }
    assert!(service["SystemCallFilter"].contains(&"@system-service".to_owned()));
    assert!(!service.contains_key("ProcSubset"), "the node reads /proc/uptime");
    arguments_are_known(&service["ExecStart"].join(" "));
}

#[test]
fn what_the_environment_file_gives_the_unit_are_arguments_of_serve() {
    let text = fs::read_to_string(root().join("deploy/environment")).unwrap();
    for line in text.lines().filter(|line| line.contains("COUNTERMARK_OPTIONS=")) {
        arguments_are_known(line.trim_start_matches(['#', ' ']));
    }
    let exec = section("Service")["ExecStart"].join(" ");
    for name in ["COUNTERMARK_DATA", "COUNTERMARK_OPTIONS"] {
        assert!(exec.contains(name) && text.contains(&format!("{name}=")), "{name}");
    }
}

#[test]
fn systemd_reads_the_unit_without_complaint_and_finds_little_exposed() {
    let unit = root().join("deploy/countermark.service");
    let security = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=20"])
        .arg(&unit)
        .output();
    let Ok(security) = security else {
        eprintln!("skipped: systemd-analyze is not installed");
        return;
    };
    let words = String::from_utf8_lossy(&security.stdout);
    assert!(security.status.success(), "{words}{}", String::from_utf8_lossy(&security.stderr));
    let verify = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&unit).output();
    let words = String::from_utf8_lossy(&verify.unwrap().stderr).into_owned();
    // The program is not installed where the tests run.
    let complaints: Vec<&str> = words
        .lines()
        .filter(|line| line.contains("countermark.service") && !line.contains("is not executable"))
        .collect();
    assert_eq!(complaints, [""; 0]);
}

#[test]
fn the_container_runs_as_no_root_with_a_health_check_and_arguments_that_exist() {
    let text = fs::read_to_string(root().join("deploy/Containerfile")).unwrap();
    let last = text.rsplit("\nFROM ").next().unwrap();
    let lines: Vec<&str> = last.lines().collect();
    let user = lines.iter().find_map(|line| line.strip_prefix("USER ")).unwrap();
    assert!(!user.starts_with("0") && user != "root", "{user}");
    assert!(last.contains("HEALTHCHECK") && last.contains("/health/live"));
    let command = lines.iter().find_map(|line| line.strip_prefix("CMD ")).unwrap();
    let words: Vec<String> = serde_json::from_str(command).unwrap();
    assert_eq!(words[0], "serve");
    arguments_are_known(&words.join(" "));
    assert_eq!(text.matches("\nFROM ").count(), 2, "built apart from what runs");
}

/// The archives in a folder.
fn archives(folder: &std::path::Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == "zst")).collect()
}

#[test]
fn a_server_makes_backups_that_restore_and_deletes_no_file_of_others() {
    let node = Node::new();
    node.capture(&document(&[named(1)]));
    let folder = node.path("backups");
    fs::create_dir(&folder).unwrap();
    let foreign = folder.join("countermark-1.tar.zst");
    fs::write(&foreign, "no archive").unwrap();
    let mut server = program()
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(node.data())
        .arg("--backup-to")
        .arg(&folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while archives(&folder).len() < 2 && begun.elapsed() < Duration::from_secs(120) {
        assert!(server.try_wait().unwrap().is_none(), "the server ended");
        std::thread::sleep(Duration::from_millis(20));
    }
    // The archive has its name once it is whole; the checkpoint comes after it.
    let archive = archives(&folder).into_iter().find(|path| *path != foreign).unwrap();
    let name = archive.display().to_string();
    let checkpoint = name.replace(".tar.zst", ".checkpoint");
    while !fs::exists(&checkpoint).unwrap() && begun.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(20));
    }
    node.run("backup", &["-o", &node.path("b").display().to_string()])
        .ends(2)
        .says("in use by another process");
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(foreign.exists(), "what is no archive of this log is left alone");
    let key = node.path("key").display().to_string();
    fs::copy(node.data().join("keys/key"), &key).unwrap();
    fs::remove_dir_all(node.data()).unwrap();
    node.run("restore", &["--from", &name, "--key-file", &key, "--checkpoint", &checkpoint])
        .ends(0);
    assert_eq!(node.events("").len(), 1);
    node.sound();
}
