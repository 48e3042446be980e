//! `demo`: the whole story on sample data. Five organisations' exports in; events, ledger, trace,
//! proofs out; and what must be refused, refused. Ends with 0 only if all of it held.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use countermark_epcis::json::Json;
use countermark_node::trace::{Direction, Trace};
use countermark_node::verify::{self, Report, Verdict};
use countermark_node::{EpcFormat, InputFile, Node, Scope, Unlock};
use serde::Deserialize;

use crate::HOLDS;
use crate::cli::Listen;
use crate::commands::{pure, serve, write};
use crate::output::{Bar, say};

macro_rules! story_files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../../examples/fresh-produce/", $name)))),*]
    };
}

/// The story's files, as they lie in `examples/fresh-produce`.
const FILES: &[(&str, &[u8])] = story_files![
    "distributor-asn-856.edi",
    "distributor-receipt.json",
    "farm-certificate.pdf",
    "farm-harvest.csv",
    "farm-shipments.csv",
    "master-data.toml",
    "processor-delivery.xml",
    "processor-packing.xml",
    "processor-receipt.xml",
    "processor-salad.json",
    "retailer-receipt.json",
    "story.toml",
    "truck-readings.ndjson",
    "warehouse-receipt-944.edi",
    "warehouse-shipping-945.edi",
    "warehouse-status-214.edi",
];

#[derive(Deserialize)]
struct Story {
    title: String,
    master_data: String,
    lot: String,
    member: Vec<Member>,
    step: Vec<Step>,
    #[serde(default)]
    document: Vec<Document>,
}

#[derive(Deserialize)]
struct Member {
    name: String,
    role: String,
}

#[derive(Deserialize)]
struct Step {
    member: String,
    file: String,
    mapping: String,
    says: String,
}

#[derive(Deserialize)]
struct Document {
    member: String,
    file: String,
}

fn file(name: &str) -> Result<&'static [u8]> {
    let found = FILES.iter().find(|(known, _)| *known == name);
    found.map(|(_, bytes)| *bytes).with_context(|| format!("the story has no file {name}"))
}

/// A folder that is removed again, unless the user named it.
struct Folder {
    path: PathBuf,
    is_temporary: bool,
}

impl Folder {
    fn new(given: Option<PathBuf>, name: &str) -> Result<Self> {
        let is_temporary = given.is_none();
        let unique = format!("countermark-{name}-{}", std::process::id());
        let path = given.unwrap_or_else(|| std::env::temp_dir().join(unique));
        if is_temporary {
            std::fs::create_dir_all(&path)?;
        }
        Ok(Self { path, is_temporary })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_temporary {
            // Nothing can be done about what stays behind in a temporary directory.
            let _left = std::fs::remove_dir_all(&self.path);
        }
    }
}

pub(crate) fn run(once: bool, data: Option<PathBuf>, listen: &Listen) -> Result<u8> {
    let reached = if once {
        None
    } else {
        serve::check_free(listen)?;
        Some(serve::Reached::new(listen)?)
    };
    let story: Story = toml::from_str(std::str::from_utf8(file("story.toml")?)?)?;
    let keep = data.is_some() || !once;
    let data = match (data, once) {
        (None, false) => Some(PathBuf::from("countermark-demo")),
        (data, _) => data,
    };
    let folder = Folder::new(data, "demo")?;
    let proofs = Folder::new(None, "demo-proofs")?;
    say(&format!("{}\n", story.title));
    say("1. Five organisations' exports become EPCIS events and go on the ledger");
    let node = tell(&story, &folder.path, true)?;
    say("\n2. Where one lot came from and where it went, each member asked for itself");
    let trace = traced(&node, &story)?;
    say("\n3. Proofs for strangers: offline, against a trust policy");
    let event = event_to_prove(&node, &trace)?;
    let step = prove_and_verify(&node, &event, &proofs.path)?;
    say("\n4. What must be refused");
    refusals(&story, &event, &step, &proofs.path)?;
    drop(node);
    say("\n5. Everything computed again");
    let report = Node::fsck(&folder.path, &Unlock::KeyFile, &Bar::new())?;
    for (what, count) in &report.checked {
        say(&format!("   checked {count} {what}"));
    }
    ensure!(report.faults.is_empty(), "fsck found {} faults", report.faults.len());
    say("\nAll of it held.");
    if keep {
        let place = folder.path.display();
        say(&format!("The ledger stays in {place}; go on with, for example:"));
        say(&format!("  countermark trace --data {place} '{}'", story.lot));
        say(&format!("  countermark events --data {place} --query 'EQ_bizStep=shipping'"));
    }
    let Some(reached) = reached else { return Ok(HOLDS) };
    say("");
    serve_story(&folder.path, &story.lot, listen, reached)
}

/// Shows the story in a browser, until Ctrl-C.
fn serve_story(folder: &Path, lot: &str, listen: &Listen, reached: serve::Reached) -> Result<u8> {
    serve::log_to_stderr(listen, "warn");
    let node = Arc::new(Node::open(folder, &Unlock::KeyFile, &Bar::new())?);
    serve::run(Arc::clone(&node), listen, reached, |url| {
        let link = node.first_owner_link()?.context("the demonstration has an owner already")?;
        say("Open this link; it signs you in as the owner, once:");
        say(&format!("  {url}{}", link.path()));
        say(&format!("Then trace {lot}"));
        Ok(())
    })
}

/// Imports the whole story.
fn tell(story: &Story, folder: &Path, aloud: bool) -> Result<Node> {
    let [first, others @ ..] = story.member.as_slice() else { bail!("the story has no members") };
    let node = Node::init(folder, &Unlock::KeyFile, &first.name, Some("US"), None)?;
    for member in others {
        node.member_add(&member.name, Some("US"))?;
    }
    node.master_data_add(&story.master_data, file(&story.master_data)?)?;
    if aloud {
        for member in &story.member {
            say(&format!("   {}, {}", member.name, member.role));
        }
        say("   (one node holds all keys of this demonstration: five members, one hand)");
    }
    let mappings = pure::mappings(None)?;
    for document in &story.document {
        let kept = node.document(Some(&document.member), &document.file, file(&document.file)?)?;
        if aloud {
            say(&format!(
                "   {:<20} {:<28} kept, CID {}",
                document.member, document.file, kept.cid
            ));
        }
    }
    for step in &story.step {
        let mapping = mappings.find(&step.mapping)?;
        let input = InputFile { name: step.file.clone(), bytes: file(&step.file)?.to_vec() };
        let report = node.import(Some(&step.member), &mapping, &[input], &Bar::new())?;
        let refused = report.rejected.first().map(|(file, finding)| format!("{file}: {finding}"));
        if let Some(refused) = refused {
            bail!("{refused}");
        }
        ensure!(report.quarantined.is_empty(), "{} was quarantined", step.file);
        ensure!(!report.accepted.is_empty(), "{} gave no event", step.file);
        if aloud {
            let count = format!("{:>2} events", report.accepted.len());
            say(&format!("   {:<20} {:<28} {count}  {}", step.member, step.file, step.says));
            for (_, finding) in &report.findings {
                say(&format!("      noticed: {finding}"));
            }
        }
    }
    Ok(node)
}

fn traced(node: &Node, story: &Story) -> Result<Trace> {
    let trace = node.trace(&Scope::All, &story.lot, Direction::Both)?;
    for member in trace.members() {
        let of_member: Vec<_> = trace.nodes.iter().filter(|n| n.member == member).collect();
        say(&format!("   {member} knows of {} things:", of_member.len()));
        for node in of_member {
            say(&format!(
                "      {}  at {}",
                short(&node.id),
                node.site.as_deref().map_or("-", short)
            ));
        }
    }
    say(&format!("   {} links between them", trace.edges.len()));
    for gap in &trace.missing {
        say(&format!("   missing: {}: {}", gap.member, gap.reason));
    }
    let answered = trace.members();
    for member in &story.member {
        ensure!(answered.contains(&&*member.name), "{} is not in the trace", member.name);
    }
    ensure!(!trace.truncated, "the trace was cut");
    Ok(trace)
}

/// A Digital Link without its domain.
fn short(id: &str) -> &str {
    id.strip_prefix("https://id.gs1.org").unwrap_or(id)
}

/// An event of the trace that has a business step: the field that is proven alone.
fn event_to_prove(node: &Node, trace: &Trace) -> Result<String> {
    for edge in &trace.edges {
        let query = format!("EQ_eventID={}", edge.event_id);
        let answer = node.events(&Scope::All, &query, EpcFormat::NeverTranslates)?;
        if answer.events.iter().any(|event| event.get("bizStep").is_some()) {
            return Ok(edge.event_id.clone());
        }
    }
    bail!("no event of the trace has a business step")
}

const WHOLE: &str = "event.bundle";
const FIELD: &str = "field.bundle";
const TRUST: &str = "trust-policy";

/// Gives the value of the field that is proven alone.
fn prove_and_verify(node: &Node, event: &str, proofs: &Path) -> Result<String> {
    let whole = node.prove(&Scope::All, event, &[])?.bundle;
    let field = node.prove(&Scope::All, event, &["/bizStep".to_owned()])?.bundle;
    write(&proofs.join(WHOLE), &whole)?;
    write(&proofs.join(FIELD), &field)?;
    write(&proofs.join(TRUST), node.trust()?.as_bytes())?;
    say(&format!("   the event {event}: {} bytes", whole.len()));
    let report = checked(&proofs.join(WHOLE), Some(&proofs.join(TRUST)))?;
    ensure!(report.verdict == Verdict::Holds, "{}", report.message);
    let shown = report.records.first().and_then(|record| record.verified.event.as_ref());
    let shown = shown.context("the bundle does not show the event")?;
    let answer =
        node.events(&Scope::All, &format!("EQ_eventID={event}"), EpcFormat::NeverTranslates)?;
    let stored = answer.events.first().context("the event is gone")?;
    ensure!(shown.to_text() == stored.to_text(), "the bundle shows another event");
    say(&format!("      {}", report.message));
    say(&format!("   its field /bizStep alone: {} bytes", field.len()));
    let report = checked(&proofs.join(FIELD), Some(&proofs.join(TRUST)))?;
    ensure!(report.verdict == Verdict::Holds, "{}", report.message);
    let record = report.records.first().context("the bundle shows nothing")?;
    let step = record.verified.value("/bizStep").and_then(Json::as_str);
    let step = step.context("the bundle does not show the field")?;
    ensure!(record.verified.event.is_none(), "the bundle shows more than the field");
    say(&format!("      {} /bizStep = {step}, and nothing else", report.message));
    Ok(step.to_owned())
}

/// Verifies from files alone, as a stranger would.
fn checked(bundle: &Path, trust: Option<&Path>) -> Result<Report> {
    let file = std::fs::read(bundle)?;
    let policy = trust.map(std::fs::read).transpose()?;
    Ok(verify::verify(&bundle.display().to_string(), &file, policy.as_deref())?)
}

fn refusals(story: &Story, event: &str, step: &str, proofs: &Path) -> Result<()> {
    let trust = proofs.join(TRUST);
    // An altered copy: another business step in the disclosed value.
    let mut altered = std::fs::read(proofs.join(FIELD))?;
    let at = altered.windows(step.len()).rposition(|window| window == step.as_bytes());
    let at = at.context("the bundle does not hold its field's value")?;
    altered[at] ^= 1;
    let copy = proofs.join("altered.bundle");
    write(&copy, &altered)?;
    refused("an altered copy", &checked(&copy, Some(&trust))?)?;
    // A whole log forged: the same story, the same names, other keys.
    let forgery = Folder::new(None, "demo-forgery")?;
    let forger = tell(story, &forgery.path.join("data"), false)?;
    let trace = forger.trace(&Scope::All, &story.lot, Direction::Both)?;
    let forged_event = event_to_prove(&forger, &trace)?;
    ensure!(forged_event != event, "the forger has our event id");
    let (forged, wrong) = (proofs.join("forged.bundle"), proofs.join("forged-trust-policy"));
    write(&forged, &forger.prove(&Scope::All, &forged_event, &[])?.bundle)?;
    write(&wrong, forger.trust()?.as_bytes())?;
    refused("a wholly forged log", &checked(&forged, Some(&trust))?)?;
    let report = checked(&forged, None)?;
    ensure!(report.verdict == Verdict::LogKeyNotChecked, "{}", report.message);
    say(&format!("   the same without a trust policy: {}", report.message));
    refused("our bundle against a wrong trust policy", &checked(&proofs.join(WHOLE), Some(&wrong))?)
}

fn refused(what: &str, report: &Report) -> Result<()> {
    ensure!(report.verdict == Verdict::DoesNotHold, "{what} was not refused: {}", report.message);
    say(&format!("   {what}: {}", report.message));
    Ok(())
}
