//! Which path leads to whom.
//!
//! A pattern is a path of which a segment may be `:name`, any one segment, or `*name`, all that is left. Of several
//! patterns that fit a path the one is taken whose first differing segment is the most literal.

use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};

/// Patterns, each with what is behind it. A process may bind thousands: those without names are looked up.
#[derive(Clone, Debug)]
pub struct Routes<T> {
    all: IndexMap<String, T>,
    /// Where the patterns without names are, by their text without slashes before it.
    literal: BTreeMap<String, usize>,
    /// Where the others are.
    named: BTreeSet<usize>,
}

impl<T> Default for Routes<T> {
    fn default() -> Routes<T> {
        Routes { all: IndexMap::new(), literal: BTreeMap::new(), named: BTreeSet::new() }
    }
}

impl<T> Routes<T> {
    /// Binds a pattern; what was behind it is forgotten.
    pub fn bind(&mut self, pattern: String, to: T) {
        let plain = pattern.trim_start_matches('/').to_string();
        let has_names = plain.split('/').any(|part| part.starts_with([':', '*']));
        let (place, _) = self.all.insert_full(pattern, to);
        if has_names {
            self.named.insert(place);
        } else {
            let known = self.literal.entry(plain).or_insert(place);
            *known = place.max(*known);
        }
    }

    /// What is behind a pattern, by its text.
    pub fn get(&self, pattern: &str) -> Option<&T> {
        self.all.get(pattern)
    }

    /// What is behind a path, and what its pattern's names stand for.
    pub fn find(&self, path: &str) -> Option<(&T, BTreeMap<String, String>)> {
        // None is more literal.
        if let Some(place) = self.literal.get(path.trim_start_matches('/')) {
            return self.all.get_index(*place).map(|(_, to)| (to, BTreeMap::new()));
        }
        let named = self.named.iter().filter_map(|place| self.all.get_index(*place));
        let fits = named.filter_map(|(pattern, to)| {
            let (literal, params) = fit(pattern, path)?;
            Some((literal, to, params))
        });
        fits.max_by(|a, b| a.0.cmp(&b.0)).map(|(_, to, params)| (to, params))
    }
}

/// How literal a segment of a pattern is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Rest,
    Any,
    Literal,
}

/// Whether a pattern fits a path: how literally, segment by segment, and what its names stand for.
fn fit(pattern: &str, path: &str) -> Option<(Vec<Segment>, BTreeMap<String, String>)> {
    let (mut literal, mut params) = (vec![], BTreeMap::new());
    let mut segments = path.trim_start_matches('/').split('/');
    for part in pattern.trim_start_matches('/').split('/') {
        let segment = segments.next()?;
        if let Some(name) = part.strip_prefix('*') {
            let rest = std::iter::once(segment).chain(segments.by_ref()).collect::<Vec<_>>().join("/");
            if rest.is_empty() {
                return None;
            }
            params.insert(name.to_string(), rest);
            literal.push(Segment::Rest);
            return Some((literal, params));
        }
        match part.strip_prefix(':') {
            Some(name) if !segment.is_empty() => {
                params.insert(name.to_string(), segment.to_string());
                literal.push(Segment::Any);
            }
            _ if part == segment => literal.push(Segment::Literal),
            _ => return None,
        }
    }
    segments.next().is_none().then_some((literal, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(patterns: &[&'static str]) -> Routes<&'static str> {
        let mut routes = Routes::default();
        patterns.iter().for_each(|pattern| routes.bind(pattern.to_string(), *pattern));
        routes
    }

    #[test]
    fn the_most_literal_pattern_is_taken_whichever_was_bound_first() {
        for patterns in [["/a/b", "/a/:x", "/a/*"], ["/a/*", "/a/:x", "/a/b"]] {
            let routes = routes(&patterns);
            let found = |path| routes.find(path).map(|(to, _)| *to);
            assert_eq!(found("/a/b"), Some("/a/b"));
            assert_eq!(found("/a/c"), Some("/a/:x"));
            assert_eq!(found("/a/c/d"), Some("/a/*"));
            assert_eq!(found("/a"), None);
            assert_eq!(found("/b/c"), None);
        }
    }

    #[test]
    fn names_stand_for_what_is_in_their_place() {
        let routes = routes(&["/user/:id/*rest"]);
        let (_, params) = routes.find("/user/7/a/b").expect("it fits");
        assert_eq!(params["id"], "7");
        assert_eq!(params["rest"], "a/b");
    }

    #[test]
    fn binding_again_overwrites() {
        let mut routes = Routes::default();
        routes.bind("/a".to_string(), 1);
        routes.bind("/a".to_string(), 2);
        assert_eq!(routes.find("/a").map(|(to, _)| *to), Some(2));
        routes.bind("//a".to_string(), 3);
        routes.bind("/a".to_string(), 4);
        assert_eq!(routes.find("/a").map(|(to, _)| *to), Some(3), "of two that are alike, the one that came last");
    }
}
