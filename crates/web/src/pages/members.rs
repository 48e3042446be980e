//! Who takes part in the ledger, by which keys, and whether they may state anything.

use askama::Template;
use axum::extract::{Query, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use countermark_node::access::{Permission, Principal};
use countermark_node::{KeyView, MemberView, Node, NodeError, Standing};

use super::{Done, see_other};
use crate::App;
use crate::body::Form;
use crate::guard::Caller;
use crate::page::{self, Frame};
use crate::page_parts::Notice;
use crate::problem::Problem;
use crate::route::{Access, Operation, Route};

pub(crate) fn routes() -> Vec<Route> {
    let (read, manage) =
        (Access::Allowed(Permission::Read), Access::Allowed(Permission::ManageMembers));
    let doc = Operation::page;
    vec![
        Route::get("/app/members", read, get(show), doc("Members and their keys")),
        Route::post("/app/members", manage, post(act), doc("Change members and their keys")),
    ]
}

struct Member {
    view: MemberView,
    keys: Vec<KeyView>,
    is_founder: bool,
}

#[derive(Template)]
#[template(path = "members.html")]
struct Page {
    frame: Frame,
    notice: Option<Notice>,
    members: Vec<Member>,
    hands: usize,
    active: usize,
    manages: bool,
}

const DONE: [(&str, &str); 8] = [
    ("added", "The member is on the ledger and can import its first file."),
    ("suspended", "The member is suspended: it states nothing until it is resumed."),
    ("resumed", "The member may state again."),
    ("left", "The member has left; what it recorded stays provable."),
    ("rotated", "A new key signs from the next block on; the old one is revoked."),
    ("registered", "A further key is registered."),
    ("revoked", "The key is revoked; it signs nothing from the next block on."),
    ("nothing", "Nothing was to be done."),
];

async fn page(app: &App, caller: &Principal, notice: Option<Notice>) -> Result<Page, Problem> {
    let (members, keys) = app.run(|node| Ok((node.members()?, node.keys()?))).await?;
    let mut hands: Vec<&str> = members.iter().map(|member| &*member.hand).collect();
    hands.sort_unstable();
    hands.dedup();
    let hands = hands.len();
    let active = members.iter().filter(|member| member.status == "active").count();
    let with_keys = |(at, view): (usize, MemberView)| {
        let keys = keys.iter().filter(|key| key.member == view.name).cloned().collect();
        Member { view, keys, is_founder: at == 0 }
    };
    let members = members.into_iter().enumerate().map(with_keys).collect();
    let frame = Frame::new("Members", "members", Some(caller));
    let manages = caller.may(Permission::ManageMembers);
    Ok(Page { frame, notice, members, hands, active, manages })
}

async fn show(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(done): Query<Done>,
) -> Result<Response, Problem> {
    page::html(&page(&app, &caller, done.notice(&DONE)).await?)
}

async fn act(
    State(app): State<App>,
    Caller(caller): Caller,
    request: Request,
) -> Result<Response, Problem> {
    let form = Form::read(request).await?;
    match app.run(move |node| change(node, &form)).await {
        Ok(word) => Ok(see_other(&format!("/app/members?done={word}"))),
        Err(problem) => {
            let page = page(&app, &caller, Some(Notice::refused(&problem))).await?;
            page::refused(&problem, &page)
        }
    }
}

fn change(node: &Node, form: &Form) -> Result<&'static str, NodeError> {
    let member = form.get("member");
    let sure = || {
        let words = "this cannot be taken back: tick the box that says you are sure";
        if form.get("sure").is_empty() { Err(NodeError::Usage(words.to_owned())) } else { Ok(()) }
    };
    match form.get("do") {
        "add" => {
            let named = form.some("name").ok_or_else(|| NodeError::Usage("name the member".into()));
            node.member_add(named?, form.some("country")).map(|_| "added")
        }
        "suspend" => node.member_standing(member, Standing::Suspended).map(|()| "suspended"),
        "resume" => node.member_standing(member, Standing::Active).map(|()| "resumed"),
        "leave" => {
            sure()?;
            node.member_standing(member, Standing::Left).map(|()| "left")
        }
        "rotate" => node.key_rotate(Some(member)).map(|_| "rotated"),
        "register" => node.key_register(Some(member)).map(|_| "registered"),
        "revoke" => {
            sure()?;
            node.key_revoke(Some(member), form.get("key")).map(|()| "revoked")
        }
        _ => Ok("nothing"),
    }
}
