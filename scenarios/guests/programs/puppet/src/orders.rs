//! The words of the orders that carry more than a body, for both forms of the puppet. Nothing here calls anybody.
//!
//! ```text
//! send -inherit -expects=5 -context=do_print_late -blob=bytes -mime=text/plain -cap=ISSUER|PARAMS ADDRESS BODY
//! ```
//!
//! Words that begin with `-` are options; the first that does not ends them. In the values of `-context`, `-metadata`
//! and `-blob` a `_` stands for a blank. ` & ` parts the items of a list.

/// What a message carries besides its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct With<'a> {
    /// `-inherit`.
    pub inherit: bool,
    /// `-expects=SECONDS`.
    pub expects: Option<u64>,
    /// `-context=TEXT`.
    pub context: Option<String>,
    /// `-metadata=TEXT`.
    pub metadata: Option<String>,
    /// `-blob=TEXT`.
    pub blob: Option<String>,
    /// `-mime=TYPE`: of the blob; without `-blob` of an empty one.
    pub mime: Option<&'a str>,
    /// `-cap=ISSUER|PARAMS`, once for each.
    pub capabilities: Vec<(&'a str, &'a str)>,
}

/// A request: what it carries, its target and its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    pub with: With<'a>,
    pub to: &'a str,
    pub body: &'a str,
}

/// An on-exit value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum End<'a> {
    #[default]
    None,
    Restart,
    Requests(Vec<Item<'a>>),
}

/// A child to be spawned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Child<'a> {
    /// `-public`.
    pub public: bool,
    /// `-restart`, or `-heir=ADDRESS|BODY` once for each request (`_` in BODY stands for a blank).
    pub restart: bool,
    pub heirs: Vec<(&'a str, String)>,
    /// `-want=ISSUER|PARAMS`, once for each.
    pub wants: Vec<(&'a str, &'a str)>,
    /// `-grant=ID|PARAMS`, once for each.
    pub grants: Vec<(&'a str, &'a str)>,
    /// `-` for none.
    pub name: Option<&'a str>,
    pub path: &'a str,
}

/// Options, and what follows them.
pub fn with(text: &str) -> Option<(With<'_>, &str)> {
    let mut with = With::default();
    let mut rest = text;
    while rest.starts_with('-') {
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        match key {
            "-inherit" => with.inherit = true,
            "-expects" => with.expects = Some(value.parse().ok()?),
            "-context" => with.context = Some(value.replace('_', " ")),
            "-metadata" => with.metadata = Some(value.replace('_', " ")),
            "-blob" => with.blob = Some(value.replace('_', " ")),
            "-mime" => with.mime = Some(value),
            "-cap" => with.capabilities.push(value.split_once('|')?),
            _ => return None,
        }
        rest = after;
    }
    Some((with, rest))
}

/// `OPTIONS ADDRESS BODY`.
pub fn item(text: &str) -> Option<Item<'_>> {
    let (with, rest) = with(text)?;
    let (to, body) = rest.split_once(' ')?;
    Some(Item { with, to, body })
}

/// The number of the transaction that an answer of a database tells, `{"BeginTx":{"tx_id":12}}`.
pub fn transaction(answer: &str) -> Option<&str> {
    let (_, rest) = answer.split_once(r#""tx_id":"#)?;
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    (digits > 0).then_some(&rest[..digits])
}

/// `OPTIONS ADDRESS BODY & OPTIONS ADDRESS BODY & …`.
pub fn items(text: &str) -> Option<Vec<Item<'_>>> {
    text.split(" & ").map(item).collect()
}

/// `none`, `restart`, or `requests` and a list of them.
pub fn end(text: &str) -> Option<End<'_>> {
    match text {
        "none" => Some(End::None),
        "restart" => Some(End::Restart),
        _ => Some(End::Requests(items(text.strip_prefix("requests ")?)?)),
    }
}

/// `OPTIONS NAME PATH`.
pub fn child(text: &str) -> Option<Child<'_>> {
    let mut child = Child::default();
    let mut rest = text;
    while rest.starts_with('-') && !rest.starts_with("- ") {
        let (word, after) = rest.split_once(' ')?;
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        match key {
            "-public" => child.public = true,
            "-restart" => child.restart = true,
            "-heir" => {
                let (to, body) = value.split_once('|')?;
                child.heirs.push((to, body.replace('_', " ")));
            }
            "-want" => child.wants.push(value.split_once('|')?),
            "-grant" => child.grants.push(value.split_once('|')?),
            _ => return None,
        }
        rest = after;
    }
    let (name, path) = rest.split_once(' ')?;
    child.name = (name != "-").then_some(name);
    child.path = path;
    Some(child)
}
