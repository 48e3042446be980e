//! Documents that are submitted and taken later, also by a node that was opened again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use countermark_store::disk::{CrashMode, Disk};

use super::{InputFile, Lab, document, event, ids};
use crate::access::Principal;
use crate::error::NodeError;
use crate::jobs::limits::JOBS_OPEN_MAX;
use crate::jobs::{Job, JobState, JobsQuery, NewJob, Reading};
use crate::node::Node;
use crate::progress::Silent;
use crate::scope::Scope;

fn submit(node: &Node, member: Option<&str>, file: InputFile) -> Result<Job, NodeError> {
    let reading = Reading::Capture { lenient: false };
    let new = NewJob { member: member.map(str::to_owned), reading, file };
    node.job_submit(&Principal::local(), new)
}

fn one(number: u64) -> InputFile {
    document(&[event(Some(&format!("urn:x:{number}")), number)])
}

fn all(node: &Node) -> Vec<Job> {
    node.jobs(&Scope::All, &JobsQuery::default()).unwrap().jobs
}

#[test]
fn a_submitted_document_is_recorded_by_its_job_and_leaves_the_inbox() {
    let lab = Lab::new();
    let node = lab.begin();
    let job = submit(&node, None, one(1)).unwrap();
    assert_eq!((job.state, job.running, job.success), (JobState::Queued, true, true));
    assert_eq!(lab.disk.list("inbox").unwrap(), std::slice::from_ref(&job.id));
    assert_eq!(node.jobs_run_queued().unwrap(), 1);
    let done = node.job(&Scope::All, &job.id).unwrap();
    assert_eq!((done.state, done.running, done.success), (JobState::Finished, false, true));
    assert_eq!((done.accepted, done.errors.unwrap()), (1, Vec::new()));
    assert_eq!(done.report.unwrap().accepted, ["urn:x:1"]);
    assert_eq!(lab.disk.list("inbox").unwrap(), [""; 0]);
    assert_eq!(ids(&node), ["urn:x:1"]);
}

#[test]
fn what_waits_when_the_power_fails_is_taken_after_the_restart() {
    let lab = Lab::new();
    let node = lab.begin();
    let submitted: Vec<String> = (1..4).map(|n| submit(&node, None, one(n)).unwrap().id).collect();
    let image = lab.disk.crash_image(CrashMode::Dropped);
    // The first job was begun, and even done, when the power failed: nothing of it was kept but
    // what the ledger had.
    drop(node);
    let node = Node::open_parts(lab.parts(Arc::new(image.clone())), &Silent).unwrap();
    assert_eq!(node.jobs_run_queued().unwrap(), 3);
    assert_eq!(ids(&node), ["urn:x:1", "urn:x:2", "urn:x:3"]);
    for id in &submitted {
        assert!(node.job(&Scope::All, id).unwrap().success);
    }
    assert_eq!(image.list("inbox").unwrap(), [""; 0]);
}

#[test]
fn a_job_that_was_interrupted_runs_again_and_records_nothing_twice() {
    let lab = Lab::new();
    let node = lab.begin();
    let events: Vec<String> = (0..5).map(|n| event(Some(&format!("urn:x:{n}")), n)).collect();
    let job = submit(&node, None, document(&events)).unwrap();
    // The node was killed after a part had been recorded and the job had been begun.
    node.capture(None, &[document(&events[..2])], false, &Silent).unwrap();
    let id = countermark_ledger::trust::unhex::<16>(&job.id).unwrap();
    node.lock().stores.desk.begin_job(&id, 1).unwrap();
    drop(node);
    let node = lab.open().unwrap();
    assert_eq!(node.job(&Scope::All, &job.id).unwrap().state, JobState::Running);
    assert_eq!(node.jobs_run_queued().unwrap(), 1);
    let done = node.job(&Scope::All, &job.id).unwrap();
    assert_eq!((done.accepted, done.duplicates, done.success), (3, 2, true));
    assert_eq!(ids(&node).len(), 5);
}

#[test]
fn what_the_inbox_holds_of_no_job_is_removed_on_opening() {
    let lab = Lab::new();
    let node = lab.begin();
    let job = submit(&node, None, one(1)).unwrap();
    lab.disk.create("inbox/00ff", b"of a sender who was never told").unwrap();
    drop(node);
    let _node = lab.open().unwrap();
    assert_eq!(lab.disk.list("inbox").unwrap(), [job.id]);
}

#[test]
fn a_document_in_the_inbox_cannot_be_read_nor_altered_without_its_job_saying_so() {
    let lab = Lab::new();
    let node = lab.begin();
    let job = submit(&node, None, one(1)).unwrap();
    let path = format!("inbox/{}", job.id);
    let sealed = lab.disk.files().remove(&path).unwrap();
    assert!(!sealed.windows(7).any(|window| window == b"urn:x:1"));
    assert!(lab.disk.alter(&path, 40, 1));
    assert_eq!(node.jobs_run_queued().unwrap(), 1);
    let done = node.job(&Scope::All, &job.id).unwrap();
    assert!(!done.success);
    assert!(done.errors.unwrap()[0].detail.contains("damaged in the inbox"));
    assert!(ids(&node).is_empty());
}

#[test]
fn a_document_that_breaks_a_rule_gives_a_job_with_pointer_rule_and_nothing_recorded() {
    let lab = Lab::new();
    let node = lab.begin();
    let good = event(Some("urn:x:1"), 1);
    let bad = good.replace("urn:x:1", "urn:x:2").replace("\"action\":\"", "\"action\":\"X");
    assert_ne!(good.replace("urn:x:1", "urn:x:2"), bad);
    let job = submit(&node, None, document(&[good, bad])).unwrap();
    node.jobs_run_queued().unwrap();
    let done = node.job(&Scope::All, &job.id).unwrap();
    assert!(!done.success && !done.running && done.accepted == 0 && done.rejected > 0);
    let errors = done.errors.unwrap();
    assert_eq!(errors[0].pointer.as_deref(), Some("/epcisBody/eventList/1/action"));
    assert!(errors[0].rule.is_some() && errors[0].status == 422);
    assert!(ids(&node).is_empty());
}

#[test]
fn the_queue_is_bounded_and_says_when_to_come_back() {
    let lab = Lab::new();
    let node = lab.begin();
    for number in 0..JOBS_OPEN_MAX {
        submit(&node, None, one(number)).unwrap();
    }
    let error = submit(&node, None, one(999)).unwrap_err();
    assert!(matches!(error, NodeError::Busy { retry_after_ms, .. } if retry_after_ms > 0));
    assert_eq!(lab.disk.list("inbox").unwrap().len() as u64, JOBS_OPEN_MAX);
    node.jobs_run_queued().unwrap();
    submit(&node, None, one(999)).unwrap();
}

#[test]
fn what_is_captured_at_once_has_a_job_too_and_each_member_sees_its_own() {
    let lab = Lab::new();
    let node = lab.begin();
    node.member_add("Mill", None).unwrap();
    let files = [one(1), InputFile { name: "broken\n.json".to_owned(), bytes: b"{".to_vec() }];
    node.capture(Some("Mill"), &files, false, &Silent).unwrap();
    node.capture(Some("Farm"), &[one(2)], false, &Silent).unwrap();
    let jobs = all(&node);
    let said: Vec<_> = jobs.iter().map(|job| (&*job.member, job.success, &*job.file)).collect();
    let expected = [
        ("Farm", true, "file.json"),
        ("Mill", false, "broken\u{fffd}.json"),
        ("Mill", true, "file.json"),
    ];
    assert_eq!(said, expected);
    let mill = node.scope_of("Mill").unwrap();
    assert_eq!(node.jobs(&mill, &JobsQuery::default()).unwrap().jobs.len(), 2);
    let hidden = node.job(&mill, &jobs[0].id).unwrap_err().to_string();
    let absent = node.job(&mill, &"0".repeat(32)).unwrap_err().to_string();
    assert_eq!(hidden.replace(&jobs[0].id, "ID"), absent.replace(&"0".repeat(32), "ID"));
    let failed = JobsQuery { success: Some(false), ..JobsQuery::default() };
    assert_eq!(node.jobs(&Scope::All, &failed).unwrap().jobs.len(), 1);
}

#[test]
fn a_list_of_jobs_goes_on_where_its_page_ended() {
    let lab = Lab::new();
    let node = lab.begin();
    let submitted: Vec<String> = (0..5).map(|n| submit(&node, None, one(n)).unwrap().id).collect();
    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let query = JobsQuery { per_page: 2, next_page_token: token, ..JobsQuery::default() };
        let page = node.jobs(&Scope::All, &query).unwrap();
        seen.extend(page.jobs.into_iter().map(|job| job.id));
        token = page.next_page_token;
        if token.is_none() {
            break;
        }
    }
    seen.reverse();
    assert_eq!(seen, submitted);
    let query = JobsQuery { next_page_token: Some("x".to_owned()), ..JobsQuery::default() };
    assert!(matches!(node.jobs(&Scope::All, &query), Err(NodeError::Usage(_))));
}

#[test]
fn a_worker_takes_what_comes_until_it_is_told_to_stop() {
    let lab = Lab::new();
    let node = lab.begin();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| node.jobs_run(&stop));
        let job = submit(&node, None, one(1)).unwrap();
        for _ in 0..500 {
            if !node.job(&Scope::All, &job.id).unwrap().running {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        stop.store(true, Ordering::Release);
        node.jobs_wake();
    });
    assert_eq!(ids(&node), ["urn:x:1"]);
}

#[test]
fn a_preview_shows_what_would_be_recorded_and_stores_nothing() {
    let lab = Lab::new();
    let node = lab.begin();
    node.capture(None, &[one(1)], false, &Silent).unwrap();
    let _noted = all(&node);
    let before = (lab.disk.files(), node.height(), desk(&lab));
    let both = [event(Some("urn:x:1"), 1), event(None, 2)];
    let by = Principal::local();
    let preview = node.capture_preview(&by, None, &document(&both), false).unwrap();
    assert_eq!((preview.total, preview.fresh, preview.duplicates), (2, 1, 1));
    assert!(preview.is_taken() && preview.events.len() == 2);
    assert_eq!(preview.places, ["/epcisBody/eventList/0", "/epcisBody/eventList/1"]);
    let broken = InputFile { name: "x".to_owned(), bytes: b"{".to_vec() };
    assert!(node.capture_preview(&by, None, &broken, false).unwrap().unreadable);
    let mapping = node.mapping("x12-856").unwrap();
    let foreign = node.import_preview(&by, None, &mapping, &broken).unwrap();
    assert!(!foreign.is_taken());
    assert_eq!((lab.disk.files(), node.height(), desk(&lab)), before);
}

/// Everything that the desk's tables hold.
fn desk(lab: &Lab) -> Vec<(String, i64)> {
    let desk = rusqlite::Connection::open(lab.folder.path().join("desk.db")).unwrap();
    let count = |table: &str| {
        let query = format!("SELECT count(*) FROM {table}");
        (table.to_owned(), desk.query_row(&query, [], |row| row.get(0)).unwrap())
    };
    ["job", "document", "quarantine", "setting", "master_data"].map(count).to_vec()
}
