//! `cargo bench -p countermark-node`: the functions that most of a capture's time goes to, one by one
//! on one core. `countermark bench` measures the whole.
#![allow(clippy::print_stdout, reason = "a program that prints what it measured")]

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use countermark_epcis::json::Json;
use countermark_epcis::{Mode, document};
use countermark_ledger::bundle::{self, Bundle};
use countermark_ledger::record::{self, Classification, RecordKeys};
use countermark_ledger::trust::TrustPolicy;
use countermark_node::bench::{Scratch, percentile, sample_document, sample_event_id};
use countermark_node::{InputFile, Node, Scope, Silent, Unlock};

const EVENTS: usize = 480;
const ROUNDS: usize = 30;

/// Says the median time of one of `count` things that a call does.
fn measure(name: &str, count: usize, mut call: impl FnMut()) {
    call();
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            call();
            begin.elapsed()
        })
        .collect();
    let each = percentile(&mut times, 50).as_secs_f64() * 1e6 / count as f64;
    println!("{name:34} {each:8.2} us");
}

fn main() -> Result<(), Box<dyn Error>> {
    let bytes = sample_document(0, EVENTS);
    let read = || document::read(&bytes, Mode::Strict);
    measure("an event read and checked", EVENTS, || drop(black_box(read())));
    let events = read().map_err(|_| "the sample is not valid")?.events;
    measure("facts of an event", EVENTS, || {
        events.iter().for_each(|event| drop(black_box(event.facts())));
    });
    let (origin, classes) = (Json::object(), Classification::new());
    let keys = RecordKeys::from_random(&[7; 352]);
    let records: Vec<_> = events.iter().map(|event| (event.json(), &origin, &keys)).collect();
    for together in [1, 8, 32, 128] {
        measure(&format!("commitment, {together} events together"), EVENTS, || {
            for records in records.chunks(together) {
                black_box(record::commit_many(records, &classes));
            }
        });
    }
    proofs()
}

fn proofs() -> Result<(), Box<dyn Error>> {
    let scratch = Scratch::new(None, "hot")?;
    let folder = scratch.path().join("node");
    let node = Node::init(&folder, &Unlock::KeyFile, "Benchmark", None, None)?;
    let file = InputFile { name: "sample".to_owned(), bytes: sample_document(0, EVENTS) };
    node.capture(None, &[file], false, &Silent)?;
    let trust = TrustPolicy::parse(node.trust()?.as_bytes())?;
    let prove = || node.prove(&Scope::All, &sample_event_id(7), &[]);
    measure("a bundle of an event made", 1, || drop(black_box(prove())));
    let file = prove()?.bundle;
    measure("a bundle of an event verified", 1, || {
        drop(black_box(Bundle::decode(&file).map(|b| bundle::verify(&b, Some(&trust)))));
    });
    Ok(())
}
