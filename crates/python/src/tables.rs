//! Python's values as TOML's, and back.

use crate::errors;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString};
use std::path::PathBuf;
use toml::{Table, Value};

/// The dictionary as a table; `place` names it in messages.
///
/// # Errors
/// A value has no form in TOML.
pub(crate) fn table(values: &Bound<'_, PyDict>, place: &str) -> PyResult<Table> {
    let mut table = Table::new();
    for (key, entry) in values.iter() {
        let Ok(key) = key.cast::<PyString>() else {
            return Err(errors::wrong(format!(
                "{place}: the key {key} must be a string"
            )));
        };
        let key = key.to_string();
        let place = match place {
            CONFIGURATION => key.clone(),
            place => format!("{place}.{key}"),
        };
        table.insert(key, value(&entry, &place)?);
    }
    Ok(table)
}

/// Name in messages of a configuration as a whole.
pub(crate) const CONFIGURATION: &str = "configuration";

/// A value of Python or numpy: a truth value, a number, a string, a path, or a list or dictionary
/// of such.
///
/// # Errors
/// It has no form in TOML.
pub(crate) fn value(given: &Bound<'_, PyAny>, place: &str) -> PyResult<Value> {
    if given.is_instance_of::<PyBool>() {
        return Ok(Value::Boolean(given.extract()?));
    }
    if given.is_instance_of::<PyInt>() {
        // Beyond 63 bits as digits, which the keys that may be as large take.
        return Ok(match given.extract::<i64>() {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::String(given.str()?.to_string()),
        });
    }
    if given.is_instance_of::<PyFloat>() {
        return Ok(Value::Float(given.extract()?));
    }
    if given.is_instance_of::<PyString>() {
        return Ok(Value::String(given.extract()?));
    }
    if let Ok(values) = given.cast::<PyDict>() {
        return Ok(Value::Table(table(values, place)?));
    }
    // Arrays and scalars of numpy.
    if given.hasattr("tolist")? {
        let plain = given.call_method0("tolist")?;
        if !plain.hasattr("tolist")? {
            return value(&plain, place);
        }
    }
    if given.hasattr("__fspath__")? {
        let path: PathBuf = given.extract()?;
        let Some(path) = path.to_str() else {
            let path = path.display();
            return Err(errors::wrong(format!("{place}: {path} is not Unicode")));
        };
        return Ok(Value::String(path.to_owned()));
    }
    if let Ok(items) = given.try_iter() {
        let items = items.map(|item| value(&item?, place));
        return Ok(Value::Array(items.collect::<PyResult<_>>()?));
    }
    let kind = given.get_type();
    Err(errors::wrong(format!(
        "{place} = {given}: a value of {kind} is none of a configuration: it must be a truth value, a number, a string, or a \
         list or dictionary of such"
    )))
}

/// A table as a dictionary.
pub(crate) fn dictionary<'py>(py: Python<'py>, table: Table) -> PyResult<Bound<'py, PyDict>> {
    let values = PyDict::new(py);
    for (key, entry) in table {
        values.set_item(key, object(py, entry)?)?;
    }
    Ok(values)
}

fn object<'py>(py: Python<'py>, value: Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::String(text) => text.into_pyobject(py)?.into_any(),
        Value::Integer(number) => number.into_pyobject(py)?.into_any(),
        Value::Float(number) => number.into_pyobject(py)?.into_any(),
        Value::Boolean(value) => PyBool::new(py, value).to_owned().into_any(),
        Value::Datetime(time) => time.to_string().into_pyobject(py)?.into_any(),
        Value::Array(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(object(py, item)?)?;
            }
            list.into_any()
        }
        Value::Table(table) => dictionary(py, table)?.into_any(),
    })
}
