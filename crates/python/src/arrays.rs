//! Arrays of numpy as tissue, and images as arrays of numpy. Whole numbers come in any width and
//! with any strides, and are borrowed.

use crate::errors;
use numpy::ndarray::{Array3, ArrayView3};
use numpy::{Element, PyArray3, PyArrayMethods, PyReadonlyArray3};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use simexm_gpu::simulation::Tissue;

/// A borrowed array (z, x, y) of ids.
pub(crate) enum Ids<'py> {
    U8(PyReadonlyArray3<'py, u8>),
    U16(PyReadonlyArray3<'py, u16>),
    U32(PyReadonlyArray3<'py, u32>),
    U64(PyReadonlyArray3<'py, u64>),
}

/// The view of ids that threads may share.
#[derive(Clone, Copy)]
pub(crate) enum IdsView<'a> {
    U8(ArrayView3<'a, u8>),
    U16(ArrayView3<'a, u16>),
    U32(ArrayView3<'a, u32>),
    U64(ArrayView3<'a, u64>),
}

/// An array of a type, unless it is another.
fn typed<'py, T: Element>(array: &Bound<'py, PyAny>) -> PyResult<Option<PyReadonlyArray3<'py, T>>> {
    match array.cast::<PyArray3<T>>() {
        Ok(array) => array.try_readonly().map(Some).map_err(errors::failed),
        Err(_) => Ok(None),
    }
}

impl<'py> Ids<'py> {
    /// Borrows an array of three axes and unsigned numbers, which the modules in Python make of
    /// whatever they are given.
    pub(crate) fn of(array: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Some(ids) = typed(array)? {
            return Ok(Self::U8(ids));
        }
        if let Some(ids) = typed(array)? {
            return Ok(Self::U16(ids));
        }
        if let Some(ids) = typed(array)? {
            return Ok(Self::U32(ids));
        }
        match typed(array)? {
            Some(ids) => Ok(Self::U64(ids)),
            None => Err(errors::wrong(format!(
                "an array of three axes and unsigned numbers is needed, not {}",
                array.get_type()
            ))),
        }
    }

    pub(crate) fn view(&self) -> IdsView<'_> {
        match self {
            Self::U8(ids) => IdsView::U8(ids.as_array()),
            Self::U16(ids) => IdsView::U16(ids.as_array()),
            Self::U32(ids) => IdsView::U32(ids.as_array()),
            Self::U64(ids) => IdsView::U64(ids.as_array()),
        }
    }
}

impl<'a> IdsView<'a> {
    fn tissue(self) -> Tissue<'a> {
        match self {
            Self::U8(ids) => Tissue::new(ids),
            Self::U16(ids) => Tissue::new(ids),
            Self::U32(ids) => Tissue::new(ids),
            Self::U64(ids) => Tissue::new(ids),
        }
    }

    fn region(self, tissue: Tissue<'a>, name: &str) -> Tissue<'a> {
        match self {
            Self::U8(voxels) => tissue.with_region(name, voxels),
            Self::U16(voxels) => tissue.with_region(name, voxels),
            Self::U32(voxels) => tissue.with_region(name, voxels),
            Self::U64(voxels) => tissue.with_region(name, voxels),
        }
    }

    /// Ids of these cells in an array of the type that the cells had.
    pub(crate) fn in_their_type(self, ids: Array3<u64>) -> AnyArray {
        match self {
            Self::U8(_) => AnyArray::U8(ids.mapv(|id| id as u8)),
            Self::U16(_) => AnyArray::U16(ids.mapv(|id| id as u16)),
            Self::U32(_) => AnyArray::U32(ids.mapv(|id| id as u32)),
            Self::U64(_) => AnyArray::U64(ids),
        }
    }
}

/// An array on its way to Python, which takes it without a copy.
pub(crate) enum AnyArray {
    U8(Array3<u8>),
    U16(Array3<u16>),
    U32(Array3<u32>),
    U64(Array3<u64>),
}

impl AnyArray {
    pub(crate) fn into_python(self, py: Python<'_>) -> Bound<'_, PyAny> {
        match self {
            Self::U8(array) => PyArray3::from_owned_array(py, array).into_any(),
            Self::U16(array) => PyArray3::from_owned_array(py, array).into_any(),
            Self::U32(array) => PyArray3::from_owned_array(py, array).into_any(),
            Self::U64(array) => PyArray3::from_owned_array(py, array).into_any(),
        }
    }
}

/// Borrowed arrays of a tissue.
pub(crate) struct Arrays<'py> {
    cells: Ids<'py>,
    regions: Vec<(String, Ids<'py>)>,
    counts: Vec<(String, PyReadonlyArray3<'py, u32>)>,
}

/// The views of them.
pub(crate) struct Views<'a> {
    pub(crate) cells: IdsView<'a>,
    regions: Vec<(&'a str, IdsView<'a>)>,
    counts: Vec<(&'a str, ArrayView3<'a, u32>)>,
}

impl<'py> Arrays<'py> {
    pub(crate) fn of(
        cells: &Bound<'py, PyAny>,
        regions: &Bound<'py, PyDict>,
        counts: &Bound<'py, PyDict>,
    ) -> PyResult<Self> {
        let regions = regions.iter();
        let regions = regions.map(|(name, array)| Ok((name.extract()?, Ids::of(&array)?)));
        let counts = counts.iter().map(|(name, array)| {
            let Some(counts) = typed(&array)? else {
                return Err(errors::wrong(format!(
                    "the counts of {name} must be an array of uint32 with three axes"
                )));
            };
            Ok((name.extract()?, counts))
        });
        Ok(Self {
            cells: Ids::of(cells)?,
            regions: regions.collect::<PyResult<_>>()?,
            counts: counts.collect::<PyResult<_>>()?,
        })
    }

    pub(crate) fn views(&self) -> Views<'_> {
        let regions = self.regions.iter();
        let counts = self.counts.iter();
        Views {
            cells: self.cells.view(),
            regions: regions
                .map(|(name, ids)| (name.as_str(), ids.view()))
                .collect(),
            counts: counts
                .map(|(name, counts)| (name.as_str(), counts.as_array()))
                .collect(),
        }
    }
}

impl<'a> Views<'a> {
    pub(crate) fn tissue(&self) -> Tissue<'a> {
        let mut tissue = self.cells.tissue();
        for (name, voxels) in &self.regions {
            tissue = voxels.region(tissue, name);
        }
        for (dye, counts) in &self.counts {
            tissue = tissue.with_counts(dye, *counts);
        }
        tissue
    }
}
