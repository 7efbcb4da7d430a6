//! `[compute]`: device, seed and memory of the run. Every key may be left out.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::bytes;
use super::kind::{ValueKind, choice, whole};
use super::section::Section;
use super::serialize;
use super::tree::Value;
use crate::base::choice::choice;
use crate::base::host;

/// Device, seed and memory of a run; of these only the seed changes the output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compute {
    /// Seed of all random draws, 0 to 2^64 - 1; `None` draws one. Seeds beyond TOML's integers are
    /// written, and may be given, as a string of digits.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "serialize::seed"
    )]
    pub seed: Option<u64>,
    /// GPU or CPU; default auto.
    pub backend: BackendChoice,
    /// Choice among several GPUs; `None` takes the best.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<AdapterChoice>,
    /// Number of CPU threads, 1 to 512; `None` takes as many as there are cores.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "serialize::number_if_any"
    )]
    pub threads: Option<usize>,
    /// Memory of the GPU that a run may take, in bytes, 1 MB to 1 EB; `None` takes what is free
    /// there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_memory: Option<u64>,
    /// Memory of the host that a run may take, in bytes, 1 MB to 1 EB; `None` takes a share of what
    /// is available.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
}

impl Default for Compute {
    /// Draws the seed, takes a hardware GPU if there is one, and all cores.
    fn default() -> Self {
        Self {
            seed: None,
            backend: BackendChoice::Auto,
            adapter: None,
            threads: None,
            gpu_memory: None,
            memory: None,
        }
    }
}

choice! {
    /// Choice of the backend.
    pub enum BackendChoice {
        /// A hardware GPU if there is one, else the CPU.
        Auto = "auto",
        /// The GPU, or the CPU with a warning.
        Gpu = "gpu",
        /// The CPU.
        Cpu = "cpu",
    }
}

/// Choice of a GPU, by what the user calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdapterChoice {
    /// Index in the list of devices, from 0.
    Index(u32),
    /// Name of the GPU or part of it.
    Name(String),
}

impl FromStr for AdapterChoice {
    type Err = Infallible;

    /// Reads digits as an index, anything else as a name.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let text = text.trim();
        Ok(text
            .parse()
            .map_or_else(|_| Self::Name(text.to_owned()), Self::Index))
    }
}

impl fmt::Display for AdapterChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "{index}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl Serialize for AdapterChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Index(index) => serializer.serialize_u32(*index),
            Self::Name(name) => serializer.serialize_str(name),
        }
    }
}

fn seed() -> ValueKind<'static, u64> {
    ValueKind::new(
        "a whole number from 0 to 2^64 - 1, or a string of its digits",
        |value| match value {
            Value::String(text) => text.parse().ok(),
            _ => u64::try_from(value.as_whole()?).ok(),
        },
    )
}

fn adapter() -> ValueKind<'static, AdapterChoice> {
    ValueKind::new(
        "the name of a GPU or its index, from 0",
        |value| match value.as_text() {
            Some(text) => text
                .parse()
                .ok()
                .filter(|choice| *choice != AdapterChoice::Name(String::new())),
            None => u32::try_from(value.as_whole()?)
                .ok()
                .map(AdapterChoice::Index),
        },
    )
}

pub(super) fn read(section: &mut Section<'_>) -> Option<Compute> {
    Some(Compute {
        seed: section.optional("seed", seed()),
        backend: section
            .optional("backend", choice())
            .unwrap_or(Compute::default().backend),
        adapter: section.optional("adapter", adapter()),
        threads: section.optional("threads", whole(1, host::MOST_THREADS as i128)),
        gpu_memory: section.optional("gpu_memory", bytes::size()),
        memory: section.optional("memory", bytes::size()),
    })
}
