fn main() {
    for f in std::env::args().skip(2) {
        let m = if std::env::args().nth(1).unwrap() == "s" {
            countermark_epcis::Mode::Strict
        } else {
            countermark_epcis::Mode::Lenient
        };
        let b = std::fs::read(&f).unwrap();
        match countermark_epcis::document::read(&b, m) {
            Ok(d) => {
                let w: Vec<_> = d
                    .findings
                    .iter()
                    .filter(|x| x.severity != countermark_epcis::Severity::Note)
                    .collect();
                println!("OK {f} {} events {} warn", d.events.len(), w.len());
                for x in w.iter().take(40) {
                    println!("     {x}")
                }
            }
            Err(e) => {
                println!("ERR {f}");
                for x in e
                    .findings()
                    .iter()
                    .filter(|x| x.severity == countermark_epcis::Severity::Error)
                    .take(8)
                {
                    println!("     {x}")
                }
            }
        }
    }
}
