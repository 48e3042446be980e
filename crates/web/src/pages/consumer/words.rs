//! The consumer page's words. A language is a value of one type, so that none can lack a word.

/// Everything that the page says by itself, in one language.
pub(super) struct Words {
    pub(super) code: &'static str,
    /// The language's own name.
    pub(super) name: &'static str,
    pub(super) months: [&'static str; 12],
    /// `{day}`, `{month}`, `{year}`.
    pub(super) date: &'static str,
    pub(super) recalled: &'static str,
    pub(super) what_to_do: &'static str,
    pub(super) contact: &'static str,
    pub(super) since: &'static str,
    pub(super) recalled_by: &'static str,
    pub(super) expired: &'static str,
    pub(super) expired_what: &'static str,
    pub(super) nothing: &'static str,
    pub(super) nothing_what: &'static str,
    pub(super) lot: &'static str,
    pub(super) serial: &'static str,
    pub(super) made: &'static str,
    pub(super) best_before: &'static str,
    pub(super) wider: &'static str,
    pub(super) journey: &'static str,
    pub(super) more_steps: &'static str,
    pub(super) claims: &'static str,
    pub(super) says: &'static str,
    pub(super) self_declared: &'static str,
    pub(super) check: &'static str,
    pub(super) check_what: &'static str,
    pub(super) check_button: &'static str,
    pub(super) checking: &'static str,
    /// `{member}`, `{time}`.
    pub(super) holds: &'static str,
    pub(super) fails: &'static str,
    pub(super) unchecked: &'static str,
    pub(super) by_server: &'static str,
    pub(super) by_browser: &'static str,
    pub(super) shown: &'static str,
    pub(super) file: &'static str,
    pub(super) not_proven: &'static str,
    pub(super) not_proven_what: &'static str,
    pub(super) released: &'static str,
    pub(super) language: &'static str,
    pub(super) preview: &'static str,
}

pub(super) const LANGUAGES: [Words; 4] = [
    Words {
        code: "en",
        name: "English",
        months: [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ],
        date: "{day} {month} {year}",
        recalled: "Recalled: do not use it",
        what_to_do: "What to do",
        contact: "Contact",
        since: "since",
        recalled_by: "Recalled by",
        expired: "Past its last day of use",
        expired_what: "Do not use it after the date printed below unless the maker says otherwise.",
        nothing: "Nothing has been released for this code",
        nothing_what: "The code reads as a valid identifier. No company has released anything to \
                       the public about it here.",
        lot: "Lot",
        serial: "Serial number",
        made: "Made",
        best_before: "Use by",
        wider: "Released for the whole product or lot, not for this one in particular.",
        journey: "Its journey",
        more_steps: "All steps",
        claims: "What is said about it, and by whom",
        says: "says",
        self_declared: "says this of itself",
        check: "Check it",
        check_what: "The records behind this page can be checked: who made them, when, and that \
                     nobody changed them since.",
        check_button: "Check it",
        checking: "Checking …",
        holds: "Recorded by {member} in a block of {time}, and unchanged since.",
        fails: "The record does not hold. Do not rely on this page.",
        unchecked: "It could not be checked.",
        by_server: "Checked by the server of {member}, not by your phone.",
        by_browser: "Checked on this device just now. Whom to trust was told by this server.",
        shown: "What the record shows",
        file: "The proof as a file",
        not_proven: "What this does not prove",
        not_proven_what: "That the goods in your hand are those of the record, or that what people \
                          wrote down is true. It proves who said it, when, and that it is unchanged.",
        released: "Released by",
        language: "Language",
        preview: "Preview: nothing of this is released",
    },
    Words {
        code: "de",
        name: "Deutsch",
        months: [
            "Januar",
            "Februar",
            "März",
            "April",
            "Mai",
            "Juni",
            "Juli",
            "August",
            "September",
            "Oktober",
            "November",
            "Dezember",
        ],
        date: "{day}. {month} {year}",
        recalled: "Rückruf: nicht verwenden",
        what_to_do: "Was Sie tun sollten",
        contact: "Kontakt",
        since: "seit",
        recalled_by: "Zurückgerufen von",
        expired: "Das Datum ist überschritten",
        expired_what: "Nach dem unten genannten Tag nicht mehr verwenden, außer der Hersteller sagt \
                       etwas anderes.",
        nothing: "Zu diesem Code wurde nichts veröffentlicht",
        nothing_what: "Der Code ist eine gültige Kennung. Kein Unternehmen hat hier etwas darüber \
                       veröffentlicht.",
        lot: "Charge",
        serial: "Seriennummer",
        made: "Hergestellt",
        best_before: "Zu verwenden bis",
        wider: "Veröffentlicht für das ganze Produkt oder die ganze Charge, nicht eigens für dieses Stück.",
        journey: "Der Weg",
        more_steps: "Alle Schritte",
        claims: "Was darüber gesagt wird, und von wem",
        says: "sagt",
        self_declared: "sagt das über sich selbst",
        check: "Prüfen",
        check_what: "Die Aufzeichnungen hinter dieser Seite lassen sich prüfen: wer sie gemacht hat, \
                     wann, und dass sie seither niemand verändert hat.",
        check_button: "Jetzt prüfen",
        checking: "Wird geprüft …",
        holds: "Aufgezeichnet von {member} in einem Block vom {time}, seither unverändert.",
        fails: "Die Aufzeichnung stimmt nicht. Verlassen Sie sich nicht auf diese Seite.",
        unchecked: "Die Prüfung war nicht möglich.",
        by_server: "Geprüft vom Server von {member}, nicht von Ihrem Telefon.",
        by_browser: "Soeben auf diesem Gerät geprüft. Wem zu trauen ist, hat dieser Server gesagt.",
        shown: "Was die Aufzeichnung zeigt",
        file: "Der Nachweis als Datei",
        not_proven: "Was das nicht beweist",
        not_proven_what: "Dass die Ware in Ihrer Hand die aufgezeichnete ist, oder dass stimmt, was \
                          aufgeschrieben wurde. Bewiesen ist, wer es gesagt hat, wann, und dass es \
                          unverändert ist.",
        released: "Veröffentlicht von",
        language: "Sprache",
        preview: "Vorschau: nichts davon ist veröffentlicht",
    },
    Words {
        code: "es",
        name: "Español",
        months: [
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre",
            "octubre",
            "noviembre",
            "diciembre",
        ],
        date: "{day} de {month} de {year}",
        recalled: "Retirado del mercado: no lo use",
        what_to_do: "Qué hacer",
        contact: "Contacto",
        since: "desde el",
        recalled_by: "Retirado por",
        expired: "Ha pasado su último día de uso",
        expired_what: "No lo use después de la fecha indicada abajo, salvo que el fabricante diga \
                       otra cosa.",
        nothing: "No se ha publicado nada sobre este código",
        nothing_what: "El código es un identificador válido. Ninguna empresa ha publicado aquí nada \
                       sobre él.",
        lot: "Lote",
        serial: "Número de serie",
        made: "Elaborado",
        best_before: "Usar antes de",
        wider: "Publicado para todo el producto o lote, no para esta unidad en particular.",
        journey: "Su recorrido",
        more_steps: "Todos los pasos",
        claims: "Qué se dice de él, y quién lo dice",
        says: "dice",
        self_declared: "lo dice de sí mismo",
        check: "Comprobarlo",
        check_what: "Los registros detrás de esta página se pueden comprobar: quién los hizo, cuándo, \
                     y que nadie los ha cambiado desde entonces.",
        check_button: "Comprobar",
        checking: "Comprobando …",
        holds: "Registrado por {member} en un bloque del {time}, sin cambios desde entonces.",
        fails: "El registro no es válido. No se fíe de esta página.",
        unchecked: "No se ha podido comprobar.",
        by_server: "Comprobado por el servidor de {member}, no por su teléfono.",
        by_browser: "Comprobado ahora en este dispositivo. En quién confiar lo ha dicho este servidor.",
        shown: "Qué muestra el registro",
        file: "La prueba como archivo",
        not_proven: "Qué no demuestra esto",
        not_proven_what: "Que el producto que tiene en la mano sea el del registro, ni que lo escrito \
                          sea cierto. Demuestra quién lo dijo, cuándo, y que no ha cambiado.",
        released: "Publicado por",
        language: "Idioma",
        preview: "Vista previa: nada de esto está publicado",
    },
    Words {
        code: "fr",
        name: "Français",
        months: [
            "janvier",
            "février",
            "mars",
            "avril",
            "mai",
            "juin",
            "juillet",
            "août",
            "septembre",
            "octobre",
            "novembre",
            "décembre",
        ],
        date: "{day} {month} {year}",
        recalled: "Rappelé : ne pas utiliser",
        what_to_do: "Que faire",
        contact: "Contact",
        since: "depuis le",
        recalled_by: "Rappelé par",
        expired: "La date limite est dépassée",
        expired_what: "Ne pas utiliser après la date indiquée ci-dessous, sauf avis contraire du \
                       fabricant.",
        nothing: "Rien n’a été publié pour ce code",
        nothing_what: "Le code est un identifiant valable. Aucune entreprise n’a rien publié ici à \
                       son sujet.",
        lot: "Lot",
        serial: "Numéro de série",
        made: "Fabriqué",
        best_before: "À utiliser avant",
        wider: "Publié pour tout le produit ou le lot, et non pour celui-ci en particulier.",
        journey: "Son parcours",
        more_steps: "Toutes les étapes",
        claims: "Ce qui en est dit, et par qui",
        says: "le dit",
        self_declared: "le dit de lui-même",
        check: "Vérifier",
        check_what: "Les enregistrements derrière cette page peuvent être vérifiés : qui les a faits, \
                     quand, et que personne ne les a modifiés depuis.",
        check_button: "Vérifier",
        checking: "Vérification …",
        holds: "Enregistré par {member} dans un bloc du {time}, inchangé depuis.",
        fails: "L’enregistrement n’est pas valable. Ne vous fiez pas à cette page.",
        unchecked: "La vérification n’a pas été possible.",
        by_server: "Vérifié par le serveur de {member}, pas par votre téléphone.",
        by_browser: "Vérifié à l’instant sur cet appareil. À qui se fier, c’est ce serveur qui l’a dit.",
        shown: "Ce que montre l’enregistrement",
        file: "La preuve en fichier",
        not_proven: "Ce que cela ne prouve pas",
        not_proven_what: "Que le produit que vous tenez est celui de l’enregistrement, ni que ce qui a \
                          été écrit est vrai. Cela prouve qui l’a dit, quand, et que rien n’a changé.",
        released: "Publié par",
        language: "Langue",
        preview: "Aperçu : rien de ceci n’est publié",
    },
];

/// The language that is asked for, else the first accepted one that there is, else English.
pub(super) fn choose(asked: &str, accepted: &str) -> &'static Words {
    let find = |tag: &str| {
        let primary = tag.trim().split('-').next().unwrap_or_default();
        LANGUAGES.iter().find(|language| language.code.eq_ignore_ascii_case(primary))
    };
    if let Some(language) = find(asked) {
        return language;
    }
    let mut wanted: Vec<(u32, &str)> = accepted
        .split(',')
        .map(|part| {
            let (tag, rest) = part.split_once(';').unwrap_or((part, ""));
            let weight = rest.trim().strip_prefix("q=").and_then(|q| q.trim().parse::<f32>().ok());
            let weight = weight.unwrap_or(1.0).clamp(0.0, 1.0);
            ((weight * 1000.0) as u32, tag)
        })
        .filter(|(weight, _)| *weight > 0)
        .collect();
    // Stable: of equal weight the first counts.
    wanted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    wanted.iter().find_map(|(_, tag)| find(tag)).unwrap_or(&LANGUAGES[0])
}

impl Words {
    /// A day `2026-03-01` in words; anything else as it is.
    pub(super) fn day(&self, day: &str) -> String {
        let mut parts = day.splitn(3, '-');
        let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next())
        else {
            return day.to_owned();
        };
        let number: usize = month.parse().unwrap_or(0);
        let Some(month) = self.months.get(number.wrapping_sub(1)) else { return day.to_owned() };
        let rest = rest.trim_start_matches('0');
        self.date.replace("{day}", rest).replace("{month}", month).replace("{year}", year)
    }

    /// The day of a moment, in words.
    pub(super) fn day_of(&self, moment: &str) -> String {
        self.day(moment.get(..10).unwrap_or(moment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_asked_for_else_the_best_accepted_one() {
        let code = |asked, accepted| choose(asked, accepted).code;
        assert_eq!(code("de", "fr"), "de");
        assert_eq!(code("xx", "fr-CA,en;q=0.8"), "fr");
        assert_eq!(code("", "it, es;q=0.4, de;q=0.5"), "de");
        assert_eq!(code("", "en;q=0, es;q=0.1"), "es");
        assert_eq!(code("", ";;q=,"), "en");
    }

    #[test]
    fn days_are_written_as_the_language_writes_them() {
        let day = |code| choose(code, "").day("2026-03-01");
        assert_eq!(day("en"), "1 March 2026");
        assert_eq!(day("de"), "1. März 2026");
        assert_eq!(day("es"), "1 de marzo de 2026");
        assert_eq!(choose("fr", "").day("soon"), "soon");
        assert_eq!(choose("fr", "").day("2026-13-01"), "2026-13-01");
    }
}
