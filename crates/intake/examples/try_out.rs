//! Prints what a mapping makes of a file.
use countermark_intake::{Library, MasterTable};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let mut lib = Library::shipped();
    lib.add_folder(std::path::Path::new("/tmp/wt/intake/mappings")).unwrap();
    let m = match lib.get(&a[1]) { Ok(m) => m, Err(e) => { println!("{e}"); return; } };
    let master = a.get(3).map(|p| MasterTable::from_toml(&std::fs::read_to_string(p).unwrap()).unwrap()).unwrap_or_default();
    match m.import(&std::fs::read(&a[2]).unwrap(), &master) {
        Err(e) => println!("{e}"),
        Ok(o) => {
            for e in &o.events { println!("{}", if std::env::var("LONG").is_ok() { e.to_text_pretty() } else { e.to_text() }); }
            for f in &o.findings { println!("F {f}"); }
            for q in &o.quarantined { println!("Q {q:?}"); }
            for q in &o.expectations { println!("X {q}"); }
            println!("{:?} lines {}", o.document.id, o.lines.len());
        }
    }
}
