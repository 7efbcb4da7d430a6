//! Values of the configuration in the name of a folder: `runs/{name}_{seed}_{expansion.factor}`.

use simexm_gpu::config::Config;

/// Puts values of the configuration in the place of their names between braces: `{name}` of the
/// output, `{seed}`, and `{section.key}`. Braces around something else stay.
///
/// # Errors
/// A name is that of no value, or of one that is no part of a folder's name.
pub(super) fn fill(text: &str, config: &Config) -> Result<String, String> {
    let values: toml::Table = config.to_toml().parse().unwrap_or_default();
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, name, after)) = next(rest) {
        filled.push_str(before);
        filled.push_str(&value(&values, name)?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Whether there is anything to fill in.
pub(super) fn has_any(text: &str) -> bool {
    next(text).is_some()
}

/// Whether the seed is to be filled in.
pub(super) fn has_seed(text: &str) -> bool {
    ["{seed}", "{compute.seed}"]
        .iter()
        .any(|name| text.contains(name))
}

/// What stands before the first name between braces, the name, and what stands behind.
fn next(text: &str) -> Option<(&str, &str, &str)> {
    text.match_indices('{').find_map(|(start, _)| {
        let (name, after) = text[start + 1..].split_once('}')?;
        let is_part = |c: char| c.is_alphanumeric() || "_-.".contains(c);
        let is_name = !name.is_empty() && name.chars().all(is_part);
        is_name.then_some((&text[..start], name, after))
    })
}

fn value(values: &toml::Table, name: &str) -> Result<String, String> {
    let path = match name {
        "name" => "output.name",
        "seed" => "compute.seed",
        other => other,
    };
    let mut keys = path.split('.');
    let first = keys.next().and_then(|key| values.get(key));
    let found = keys.try_fold(first, |value, key| Some(value?.as_table()?.get(key)));
    match found.flatten() {
        Some(toml::Value::String(text)) if !text.contains(['/', '\\']) => Ok(text.clone()),
        Some(toml::Value::Integer(number)) => Ok(number.to_string()),
        Some(toml::Value::Float(number)) => Ok(number.to_string()),
        Some(toml::Value::Boolean(value)) => Ok(value.to_string()),
        Some(_) => Err(format!(
            "{{{name}}} stands for a path, a list or a table, which is no part of a folder's name"
        )),
        None => Err(format!(
            "{{{name}}} stands for nothing: there are {{name}}, {{seed}} and keys of the configuration that have a \
             value, such as {{expansion.factor}}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_between_braces_become_values() {
        let mut config = Config::default();
        config.compute.seed = Some(u64::MAX);
        config.optics.exposure_time_s = 0.05;
        for (text, filled) in [
            ("plain", "plain"),
            ("{name}", "experiment"),
            ("a{seed}b", "a18446744073709551615b"),
            (
                "{expansion.factor}/{optics.type}_{optics.exposure_time}",
                "4.5/confocal_0.05",
            ),
            ("{groundtruth.isotropic}", "false"),
            ("{optics.channels.channel_1.laser_wavelength}", "425"),
            ("{} {a b} {open", "{} {a b} {open"),
        ] {
            assert_eq!(fill(text, &config).as_deref(), Ok(filled), "{text}");
            assert_eq!(has_any(text), text != filled, "{text}");
        }
        for wrong in [
            "{date}",
            "{output.path}",
            "{groundtruth.voxel_dim}",
            "{optics}",
            "{compute.memory}",
            "{.}",
        ] {
            let told = fill(wrong, &config).unwrap_err();
            assert!(told.starts_with(wrong), "{told}");
        }
        assert!(has_seed("x/{seed}") && !has_seed("{name}"));
    }
}
