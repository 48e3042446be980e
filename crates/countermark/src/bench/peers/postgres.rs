//! The same events as JSONB with a GIN index in PostgreSQL: a cluster of its own, reached by a socket
//! in its folder, taken away afterwards. The clients are `psql` processes that get one COPY for each
//! document, so that nothing of the protocol is ours.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use countermark_node::Progress;
use countermark_node::bench::{CLIENTS, JSONB_PEER, Peer, Rate, milliseconds, percentile};

use super::{Batch, batches, hand_out, processes};

/// Where Debian puts the server's programs: not in the path.
const DEBIAN: &str = "/usr/lib/postgresql";
const USER: &str = "countermark";
/// A socket's path may not be longer on Linux, with its name in the folder.
const SOCKET_FOLDER_MAX: usize = 90;
/// Settings that differ from the defaults; a default server would do worse.
const SETTINGS: [&str; 4] =
    ["shared_buffers=512MB", "max_wal_size=4GB", "wal_compression=on", "listen_addresses="];
const SCHEMA: &str = "CREATE TABLE event (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
                      body jsonb NOT NULL); \
                      CREATE INDEX event_body ON event USING gin (body jsonb_path_ops);";

/// The programs, and whom to run them as.
#[derive(Debug)]
pub(in crate::bench) struct Tools {
    folder: PathBuf,
    /// User and group: the server refuses to run as root.
    user: Option<(u32, u32)>,
}

/// Finds the programs.
pub(in crate::bench) fn tools() -> Result<Tools> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(versions) = std::fs::read_dir(DEBIAN) {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    let has_all = |folder: &PathBuf| {
        ["initdb", "pg_ctl", "psql", "postgres"].iter().all(|name| folder.join(name).exists())
    };
    let folder = folders.into_iter().filter(has_all).max().context(
        "--peers needs PostgreSQL, and its programs (initdb, pg_ctl, psql, postgres) are neither in \
         the path nor below /usr/lib/postgresql; install the package `postgresql`",
    )?;
    Ok(Tools { folder, user: other_user()? })
}

/// Whom to run the server as, where this process is root.
fn other_user() -> Result<Option<(u32, u32)>> {
    use std::os::unix::fs::MetadataExt;
    let own = std::fs::metadata("/proc/self").map_or(1, |process| process.uid());
    if own != 0 {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").context("/etc/passwd")?;
    let found = ["postgres", "nobody"].iter().find_map(|name| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    let missing = "PostgreSQL does not run as root, and there is no user `postgres` or `nobody`";
    found.map(Some).context(missing)
}

impl Tools {
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.folder.join(name));
        command.current_dir("/").stdin(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    fn run(&self, command: &mut Command) -> Result<String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let output = command.output().with_context(|| name.clone())?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        bail!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim())
    }
}

/// A running cluster; it stops and its processes end when this goes.
struct Cluster<'a> {
    tools: &'a Tools,
    folder: PathBuf,
}

impl<'a> Cluster<'a> {
    fn start(tools: &'a Tools, parent: &Path) -> Result<Self> {
        let folder = std::path::absolute(parent)?.join("postgresql");
        if folder.as_os_str().len() > SOCKET_FOLDER_MAX {
            bail!("{}: the path is too long for a socket; give another --data", folder.display());
        }
        std::fs::create_dir(&folder)?;
        if let Some((user, group)) = tools.user {
            std::fs::set_permissions(parent, std::fs::Permissions::from_mode(0o755))?;
            chown(&folder, Some(user), Some(group))?;
        }
        let data = folder.join("data");
        let mut init = tools.command("initdb");
        init.args(["--auth=trust", "--encoding=UTF8", "--locale=C", "-U", USER, "-D"]).arg(&data);
        tools.run(&mut init)?;
        let socket = folder.display();
        let settings: String = SETTINGS.iter().map(|set| format!(" -c {set}")).collect();
        let mut start = tools.command("pg_ctl");
        start.args(["start", "-w", "-s", "-D"]).arg(&data).arg("-l").arg(folder.join("log"));
        start.arg("-o").arg(format!("-k {socket}{settings}"));
        // What the server inherits it would hold open.
        start.stdout(Stdio::null()).stderr(Stdio::null());
        let cluster = Self { tools, folder };
        if !start.status().context("pg_ctl")?.success() {
            let log = std::fs::read_to_string(cluster.folder.join("log")).unwrap_or_default();
            bail!("PostgreSQL did not start: {}", log.trim());
        }
        Ok(cluster)
    }

    fn psql(&self) -> Command {
        let mut command = self.tools.command("psql");
        command.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            "postgres",
            "-U",
            USER,
        ]);
        command.arg("-h").arg(&self.folder);
        command
    }

    fn ask(&self, sql: &str) -> Result<String> {
        let answer = self.tools.run(self.psql().args(["-c", sql]))?;
        Ok(answer.trim().to_owned())
    }

    fn processor_seconds(&self) -> Option<f64> {
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).ok()?;
        processes::processor_seconds(pid.lines().next()?.parse().ok()?)
    }
}

impl Drop for Cluster<'_> {
    fn drop(&mut self) {
        let mut stop = self.tools.command("pg_ctl");
        stop.args(["stop", "-w", "-s", "-m", "fast", "-D"]).arg(self.folder.join("data"));
        // Its folder goes all the same.
        let _stopped = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// A client: a `psql` that is told what to do line by line.
struct Client {
    process: Child,
    tell: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Client {
    fn start(cluster: &Cluster<'_>) -> Result<Self> {
        let mut command = cluster.psql();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().context("psql")?;
        let tell = process.stdin.take();
        let answers = process.stdout.take().context("psql has no output")?;
        let mut client = Self { process, tell, answers: BufReader::new(answers) };
        // Connected before the time runs.
        client.say(b"\\echo done\n")?;
        Ok(client)
    }

    /// One document: one COPY, which is one transaction.
    fn take(&mut self, batch: &Batch) -> Result<()> {
        let size = batch.events.iter().map(|event| event.len() + 1).sum::<usize>();
        let mut text = Vec::with_capacity(size + 64);
        text.extend_from_slice(b"COPY event (body) FROM STDIN;\n");
        for event in &batch.events {
            escape(event, &mut text);
            text.push(b'\n');
        }
        text.extend_from_slice(b"\\.\n\\echo done\n");
        self.say(&text)
    }

    /// Says something that ends with `\echo done`, and waits for that.
    fn say(&mut self, text: &[u8]) -> Result<()> {
        let told = self.tell.as_mut().map(|tell| tell.write_all(text).and_then(|()| tell.flush()));
        let mut answer = String::new();
        let read = self.answers.read_line(&mut answer);
        if matches!((&told, &read), (Some(Ok(())), Ok(_))) && answer == "done\n" {
            return Ok(());
        }
        let mut why = String::new();
        if let Some(mut errors) = self.process.stderr.take() {
            use std::io::Read;
            let _read = errors.read_to_string(&mut why);
        }
        Err(anyhow!("psql: {}", why.trim()))
    }

    fn end(mut self) -> Result<()> {
        self.tell.take();
        self.process.wait().map(|_| ()).context("psql")
    }
}

/// A text in the text format of COPY.
fn escape(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte => out.push(byte),
        }
    }
}

pub(super) fn run(
    tools: &Tools,
    folder: &Path,
    events: usize,
    progress: &dyn Progress,
) -> Result<Vec<Peer>> {
    let cluster = Cluster::start(tools, folder)?;
    cluster.ask(SCHEMA)?;
    let version = cluster.ask("SHOW server_version")?;
    let mut peers = Vec::new();
    for (round, clients) in [1, CLIENTS].into_iter().enumerate() {
        let batches = batches(round * events, events);
        peers.push(measure(&cluster, &version, batches, clients, progress)?);
    }
    let count: usize = cluster.ask("SELECT count(*) FROM event")?.parse()?;
    if count != 2 * events {
        bail!("PostgreSQL holds {count} events of {}", 2 * events);
    }
    let bytes: f64 = cluster.ask("SELECT pg_total_relation_size('event')")?.parse()?;
    for peer in &mut peers {
        peer.bytes_per_event = (bytes / count.max(1) as f64).round();
    }
    Ok(peers)
}

fn measure(
    cluster: &Cluster<'_>,
    version: &str,
    batches: Vec<Batch>,
    clients: usize,
    progress: &dyn Progress,
) -> Result<Peer> {
    let events = batches.iter().map(|batch| batch.events.len()).sum();
    let processes: Result<Vec<Client>> = (0..clients).map(|_| Client::start(cluster)).collect();
    let mut processes = processes?;
    let before = cluster.processor_seconds();
    let begin = Instant::now();
    let label = format!("PostgreSQL, clients at once: {clients}");
    let each = processes.iter_mut().collect();
    let mut times = hand_out(each, batches, &label, progress, |client, batch| client.take(batch))?;
    let seconds = begin.elapsed().as_secs_f64();
    let processor = cluster.processor_seconds().zip(before).map(|(after, before)| after - before);
    processes.into_iter().try_for_each(Client::end)?;
    Ok(Peer {
        name: JSONB_PEER.to_owned(),
        what: format!(
            "PostgreSQL {version}, jsonb_path_ops, one COPY a document by psql over a local socket, \
             fsync and synchronous_commit on, {}",
            SETTINGS[..3].join(", ")
        ),
        clients,
        rate: Rate::of(events, seconds, processor),
        document_p50_ms: milliseconds(percentile(&mut times, 50)),
        document_p99_ms: milliseconds(percentile(&mut times, 99)),
        ..Peer::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_copy_would_take_for_its_own_is_escaped() {
        let mut out = Vec::new();
        escape("{\"a\":\"x\\n\ty\r\n\\.\"}", &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "{\"a\":\"x\\\\n\\ty\\r\\n\\\\.\"}");
    }
}
