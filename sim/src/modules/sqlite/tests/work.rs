//! What a statement takes of the host is bounded, whatever it is made of: many steps, few steps that are much work each, or
//! a program that is compiled for ever. Each of these took minutes before it was counted.

use super::*;

const ENDLESS: &str = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)";

/// A text of so many bytes, made by the engine itself.
fn text(bytes: usize) -> String {
    format!("replace(hex(zeroblob({})), '00', 'aa')", bytes / 2)
}

/// The statement is refused as too much work, and the run says that this is not modelled.
#[track_caller]
fn is_too_much(harness: &mut Harness<Sqlite>, sql: &str, parameters: Value) {
    harness.unmodelled = None;
    let answer = harness.query_with(sql, parameters);
    let short: String = sql.chars().take(200).collect();
    assert!(harness.unmodelled.is_some(), "{short}: {}", &answer.to_string()[..answer.to_string().len().min(200)]);
    let bounds =
        ["interrupted", "string or blob too big", "out of memory", "database or disk is full"].map(engine_error);
    assert!(bounds.contains(&answer), "{short}: {answer}");
    assert_eq!(harness.query("SELECT 1 AS x"), json!([{ "x": 1 }]), "and it serves on after {short}");
}

#[test]
fn a_function_whose_work_is_a_product_is_refused_before_it_is_done() {
    let mut harness = with_table(&Setup::default());
    harness.write("CREATE TABLE pair (a, b)");
    let (long, half) = (text(600_000), text(300_000));
    assert_eq!(harness.write(&format!("INSERT INTO pair VALUES ({long}, {half} || 'b')")), "Ok");
    let object = |n: usize| {
        let fields: Vec<String> = (0..n).map(|n| format!("\"{n}\":1")).collect();
        format!("{{{}}}", fields.join(","))
    };
    for call in [
        "instr(a, b)",
        "replace(a, b, 'x')",
        "trim(b, a)",
        "ltrim(a, b)",
        "rtrim(a, b)",
        "unhex('x' || a, b)",
        "sum(instr(a, b))",
        "instr(CAST(a AS BLOB), CAST(b AS BLOB))",
    ] {
        is_too_much(&mut harness, &format!("SELECT {call} AS x FROM pair"), json!([]));
    }
    is_too_much(&mut harness, &format!("{ENDLESS} SELECT sum(instr(a, 'b')) FROM n, pair"), json!([]));
    is_too_much(&mut harness, "SELECT length(json_patch(?1, ?2))", json!([object(60_000), object(60_000)]));
    is_too_much(&mut harness, "SELECT length(jsonb_patch(?1, ?2))", json!([object(60_000), object(60_000)]));
    for pattern in ["'%' || replace(hex(zeroblob(60)), '00', 'a%') || 'b'", "'%a%'"] {
        is_too_much(&mut harness, &format!("{ENDLESS} SELECT sum(a LIKE {pattern}) FROM n, pair"), json!([]));
        is_too_much(
            &mut harness,
            &format!("{ENDLESS} SELECT sum(a LIKE {pattern} ESCAPE '!') FROM n, pair"),
            json!([]),
        );
    }
    is_too_much(&mut harness, &format!("{ENDLESS} SELECT sum(a GLOB '*a*a*a*b') FROM n, pair"), json!([]));
}

#[test]
fn many_steps_that_go_through_a_large_value_are_counted_with_it() {
    let mut harness = with_table(&Setup::default());
    harness.write("CREATE TABLE one (a)");
    assert_eq!(harness.write(&format!("INSERT INTO one VALUES ({})", text(900_000))), "Ok");
    for call in [
        "length(hex(substr(a, 1, 400000)))",
        "length(a)",
        "upper(a) = lower(a)",
        "a = a || ''",
        "a || x = a",
        "length(quote(a))",
        "length(printf('%s', a))",
        "length(printf('%400000d', x))",
        "length(strftime(substr(a, 1, 10) || '%f%f%f%f%f', 1))",
        "length(soundex(a))",
        "length(trim(a))",
        "length(substr(a, 2))",
        "unicode(a)",
        "CAST(replace(a, 'a', '1') AS INTEGER) + CAST(replace(a, 'a', '1') AS REAL)",
        "length(randomblob(900000))",
        "length(json_quote(a))",
        "json_valid('[' || replace(a, 'aa', '1,') || '1]')",
        "length(json_set('[' || replace(a, 'aa', '1,') || '1]', '$[#]', x, '$[#]', x, '$[#]', x))",
        "json_extract('[' || replace(a, 'aa', '1,') || '1]', '$[400000]', '$[#-1]')",
        "('[' || replace(a, 'aa', '1,') || '1]') -> '$[300000]'",
        "max(a, a || '', a || '')",
        "a COLLATE NOCASE = upper(a)",
        "a COLLATE RTRIM = a || ' '",
        "zeroblob(1000000) = CAST(a AS BLOB)",
        "length(char(x, x) || a)",
        "length(concat(a, x))",
    ] {
        is_too_much(&mut harness, &format!("{ENDLESS} SELECT sum({call}) FROM n, one"), json!([]));
    }
    is_too_much(&mut harness, &format!("{ENDLESS} SELECT count(DISTINCT a || x) FROM n, one"), json!([]));
    is_too_much(&mut harness, &format!("{ENDLESS} SELECT length(group_concat(a)) FROM n, one"), json!([]));
    is_too_much(&mut harness, &format!("{ENDLESS} SELECT json_group_array(x) FROM n"), json!([]));
    let window = "SELECT sum(length(g)) FROM (SELECT group_concat(x, 'yyyyyyyyyyyyyyyy') \
                  OVER (ORDER BY x ROWS BETWEEN 9999 PRECEDING AND CURRENT ROW) AS g FROM n LIMIT 100000)";
    is_too_much(&mut harness, &format!("{ENDLESS} {window}"), json!([]));
    is_too_much(&mut harness, &format!("{ENDLESS} SELECT count(*) FROM n, one ORDER BY a || x LIMIT 1"), json!([]));
}

#[test]
fn a_long_program_has_no_room_for_a_large_value() {
    let mut harness = with_table(&Setup::default());
    let long = "7".repeat(700_000);
    for (part, join) in [
        ("hex(?1)", ","),
        ("?1+?1", ","),
        ("(?1||1)+(?1||2)", ","),
        ("json_valid('['||?1||']')", ","),
        ("length(printf('%d',?1))", ","),
        ("upper(?1)=?1", ","),
        ("CAST(?1 AS REAL)", "+"),
    ] {
        let parts = vec![part; (90_000 / (part.len() + 1)).min(if join == "," { 1_900 } else { 900 })];
        is_too_much(&mut harness, &format!("SELECT {}", parts.join(join)), json!([long]));
    }
    let adds = vec!["+NEW.a"; 900].join("");
    for n in 0..20 {
        assert_eq!(harness.write(&format!("CREATE TRIGGER r{n} AFTER INSERT ON t BEGIN SELECT 0{adds}; END")), "Ok");
    }
    harness.unmodelled = None;
    assert_eq!(
        harness.write_with("INSERT INTO t (b) VALUES (?1)", json!([long])),
        engine_error("string or blob too big")
    );
    assert!(harness.unmodelled.is_some());
    assert_eq!(harness.write("INSERT INTO t (b) VALUES (1)"), "Ok", "a small value is no trouble");
}

#[test]
fn no_statement_is_compiled_for_ever() {
    let mut harness = with_table(&Setup::default());
    let mut doubled = "WITH a0 AS (SELECT 1 AS x)".to_string();
    for n in 0..22 {
        doubled += &format!(", a{} AS (SELECT p.x FROM a{n} AS p, a{n} AS q)", n + 1);
    }
    // The engine itself refuses so deep a nest.
    let too_deep = engine_error("VIEWs and/or subqueries nested too deep");
    assert_eq!(harness.query(&format!("{doubled} SELECT count(*) FROM a22")), too_deep);
    assert_eq!(harness.write("CREATE VIEW v0 AS SELECT 1 AS x"), "Ok");
    for n in 0..22 {
        let view =
            format!("CREATE VIEW v{} AS SELECT p.x FROM v{n} AS p, v{n} AS q UNION ALL SELECT x FROM v{n}", n + 1);
        assert_eq!(harness.write(&view), "Ok");
    }
    // As it refuses so many uses of one view. Below that, compiling it is too much work.
    let too_many = engine_error("too many references to \"v0\": max 65535");
    assert_eq!(harness.query("SELECT count(*) FROM v22"), too_many);
    is_too_much(&mut harness, "SELECT count(*) FROM v10", json!([]));
}

#[test]
fn what_compiles_and_runs_within_a_statement_counts_as_well() {
    let mut harness = with_table(&Setup::default());
    for n in 0..20 {
        harness.write(&format!("INSERT INTO t VALUES ({n}, zeroblob(100000))"));
    }
    for pragma in ["pragma_integrity_check", "pragma_quick_check", "pragma_table_info('t')", "pragma_function_list"] {
        is_too_much(&mut harness, &format!("{ENDLESS} SELECT count(*) FROM n, {pragma}"), json!([]));
    }
}

#[test]
fn what_does_any_amount_of_work_in_a_step_is_refused() {
    let mut harness = with_table(&Setup::default());
    for module in ["fts5(x)", "fts4(x)", "fts3(x)", "rtree(a, b, c)"] {
        harness.unmodelled = None;
        let answer = harness.write(&format!("CREATE VIRTUAL TABLE f USING {module}"));
        assert_eq!((answer, harness.unmodelled.is_some()), (engine_error("not authorized"), true), "{module}");
    }
    for which in ["SELECT count(*) FROM dbstat", "PRAGMA compile_options", "SELECT sqlite_compileoption_used('X')"] {
        harness.unmodelled = None;
        let answer = harness.query(which);
        assert!(answer["Err"] != Value::Null && harness.unmodelled.is_some(), "{which}: {answer}");
    }
}

#[test]
fn functions_that_are_counted_are_the_engines_own() {
    let mut harness = with_table(&Setup::default());
    for (call, value) in [
        ("instr('grüße', 'ß')", json!(4)),
        ("instr(x'0102', x'02')", json!(2)),
        ("instr(NULL, 'x')", json!(null)),
        ("instr(12345, 34)", json!(3)),
        ("replace('aXbX', 'X', 12)", json!("a12b12")),
        ("replace('a', '', 'x')", json!("a")),
        ("'Grüße' LIKE 'g_ü%'", json!(1)),
        ("'Grüße' LIKE 'gr_ss%'", json!(0)),
        ("'GRuesse' LIKE 'gr__SS%'", json!(1)),
        ("'50%' LIKE '50!%' ESCAPE '!'", json!(1)),
        ("NULL LIKE 'x'", json!(null)),
        ("'abc' GLOB 'a[b-c]*'", json!(1)),
        ("'abc' NOT GLOB 'A*'", json!(1)),
        ("trim('--a-', '-')", json!("a")),
        ("ltrim('--a-', '-') || rtrim('--a-', '-')", json!("a---a")),
        ("hex(unhex('41-42', '-'))", json!("4142")),
        ("json_object('a', json_patch('{\"x\":1}', '{\"x\":null,\"y\":2}'))", json!("{\"a\":{\"y\":2}}")),
        ("json_patch(NULL, '{}')", json!(null)),
        ("typeof(jsonb_patch('{}', '{}'))", json!("blob")),
    ] {
        assert_eq!(harness.value(&format!("SELECT {call} AS x")), value, "{call}");
    }
    assert_eq!(harness.query("SELECT json_patch('{', '{}')"), engine_error("malformed JSON"));
    assert_eq!(harness.write("CREATE INDEX i ON t (trim(b, 'x'), instr(b, 'y'))"), "Ok", "they may be in an index");
    assert_eq!(harness.write("INSERT INTO t VALUES (1, 'xayx')"), "Ok");
    assert_eq!(harness.query("SELECT a FROM t WHERE trim(b, 'x') = 'ay'"), json!([{ "a": 1 }]));
    assert_eq!(harness.unmodelled, None);
}

#[test]
fn what_an_application_does_stays_far_from_the_bound() {
    let mut harness = with_table(&Setup::default());
    harness.write("CREATE TABLE note (id INTEGER PRIMARY KEY, title TEXT, body TEXT, at INTEGER)");
    let thousand = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 2000)";
    let body = "replace(hex(zeroblob(1000)), '00', 'word ')";
    assert_eq!(
        harness.write(&format!(
            "INSERT INTO note SELECT x, 'title ' || x, {body} || x, x FROM ({thousand} SELECT x FROM n)"
        )),
        "Ok"
    );
    assert_eq!(harness.value("SELECT count(*) FROM note WHERE body LIKE '%word 77%'"), 11);
    assert_eq!(harness.value("SELECT count(*) FROM (SELECT * FROM note ORDER BY body DESC, title)"), 2000);
    assert_eq!(
        harness.value("SELECT length(json_group_array(json_object('id', id, 'title', title))) > 50000 FROM note"),
        1
    );
    assert_eq!(harness.value("SELECT count(DISTINCT substr(title, -1)) FROM note JOIN t ON 1 = 1 OR t.a = note.id"), 0);
    let chunk = "A".repeat(1_000_000);
    assert_eq!(harness.write_with("INSERT INTO t VALUES (1, ?1)", json!([format!("{chunk}!")])), "Ok");
    assert_eq!(harness.value("SELECT length(b) FROM t WHERE a = 1"), 1_000_001);
    let tx = harness.begin();
    for n in 2..3_000 {
        harness.queue(tx, &format!("INSERT INTO t VALUES ({n}, 'row number {n}') ON CONFLICT DO NOTHING"));
    }
    assert_eq!(harness.commit(tx), "Ok");
    assert_eq!(harness.unmodelled, None);
}
