//! Small help for texts.

use crate::report::fold;

/// A number with its thousands apart: `1,234,567`.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 seed`, `2,000 seeds`.
pub(super) fn counted(n: u64, one: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        _ => format!("{} {one}s", grouped(n)),
    }
}

/// A name in a column, and a text beside it that goes on below itself.
pub(super) fn entry(name: &str, width: usize, text: &str) -> String {
    format!("  {name:width$}  {}\n", fold(text, width + 4))
}

/// The names that are most like a wrong one, best first: at most three.
pub(super) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<(usize, &str)> = names
        .map(|name| {
            // A part of a name is what people type when they have forgotten the rest.
            let part = !wrong.is_empty() && name.contains(wrong);
            (if part { 0 } else { distance(wrong, name) }, name)
        })
        .collect();
    names.sort_by_key(|(distance, _)| *distance);
    let best = names.first().map_or(0, |(distance, _)| *distance);
    names.iter().filter(|(distance, _)| *distance <= best + 1).take(3).map(|(_, name)| *name).collect()
}

/// How many letters must be put in, left out or changed to make one word of another.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 12, 999, 1_000, 1_234_567].map(grouped), ["0", "12", "999", "1,000", "1,234,567"]);
        assert_eq!([1, 2].map(|n| counted(n, "seed")), ["1 seed", "2 seeds"]);
    }

    #[test]
    fn the_nearest_names_come_first() {
        let names = ["counter", "two-nodes-chat", "kill-in-a-back-off", "kill-in-a-crash-loop"];
        assert_eq!(nearest("countr", names.into_iter()), ["counter"]);
        assert_eq!(nearest("kill-in", names.into_iter()), ["kill-in-a-back-off", "kill-in-a-crash-loop"]);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
