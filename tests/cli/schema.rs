//! As much of JSON Schema as docs/bench.schema.json uses.

use serde_json::Value;

/// Where a value is not what a schema says.
pub(super) fn mismatches(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    Walk {
        root: schema,
        found: &mut found,
    }
    .check(schema, value, "");
    found
}

struct Walk<'a> {
    root: &'a Value,
    found: &'a mut Vec<String>,
}

impl Walk<'_> {
    fn check(&mut self, schema: &Value, value: &Value, at: &str) {
        let number = |rule: &Value| rule.as_f64().unwrap();
        let length = |rule: &Value| rule.as_u64().unwrap() as usize;
        let words = |rule: &Value| -> Vec<String> {
            let one_or_more = rule
                .as_array()
                .map_or(std::slice::from_ref(rule), Vec::as_slice);
            let word = |word: &Value| word.as_str().unwrap().to_owned();
            one_or_more.iter().map(word).collect()
        };
        for (keyword, rule) in schema.as_object().unwrap() {
            let holds = match keyword.as_str() {
                "$schema" | "$defs" | "title" | "description" => true,
                "$ref" => {
                    let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                    self.check(self.root.pointer(pointer).unwrap(), value, at);
                    true
                }
                "type" => words(rule).iter().any(|name| is_a(value, name)),
                "const" => value == rule,
                "enum" => rule.as_array().unwrap().contains(value),
                "minimum" => value.as_f64().is_none_or(|value| value >= number(rule)),
                "maximum" => value.as_f64().is_none_or(|value| value <= number(rule)),
                "exclusiveMinimum" => value.as_f64().is_none_or(|value| value > number(rule)),
                "minItems" => value
                    .as_array()
                    .is_none_or(|list| list.len() >= length(rule)),
                "maxItems" => value
                    .as_array()
                    .is_none_or(|list| list.len() <= length(rule)),
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{at}/{index}"));
                    }
                    true
                }
                "properties" => {
                    for (name, rule) in rule.as_object().unwrap() {
                        if let Some(value) = value.get(name) {
                            self.check(rule, value, &format!("{at}/{name}"));
                        }
                    }
                    true
                }
                "required" => words(rule).iter().all(|name| value.get(name).is_some()),
                "additionalProperties" => {
                    assert_eq!(rule, false);
                    let known = schema["properties"].as_object().unwrap();
                    let mut names = value
                        .as_object()
                        .into_iter()
                        .flat_map(|object| object.keys());
                    names.all(|name| known.contains_key(name))
                }
                "oneOf" => {
                    let fits = |rule: &&Value| {
                        let mut found = Vec::new();
                        let root = self.root;
                        Walk {
                            root,
                            found: &mut found,
                        }
                        .check(rule, value, at);
                        found.is_empty()
                    };
                    rule.as_array().unwrap().iter().filter(fits).count() == 1
                }
                "pattern" => {
                    assert_eq!(rule, "^[0-9a-f]{8}$");
                    let digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                    value
                        .as_str()
                        .is_none_or(|text| text.len() == 8 && text.bytes().all(digit))
                }
                other => panic!("{other}: a keyword that is not looked at here"),
            };
            if !holds {
                self.found.push(format!("{at}: not {keyword} {rule}"));
            }
        }
    }
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        other => panic!("{other}: a type that is not looked at here"),
    }
}
