//! Labelling on its own.

use super::{allocate, execute};
use simexm_gpu::internals::engine::compute::{Backend, Recording};
use simexm_gpu::internals::engine::stages::regions::{REGIONS, RegionsParams};
use simexm_gpu::internals::engine::stages::scatter::{SCATTER, ScatterParams};
use simexm_gpu::internals::model::Model;
use simexm_gpu::internals::model::cells::CellIndex;

/// The first layer of each of some models that differ in their seeds, all cells labelled, over the
/// same volume of ids: the regions, and the proteins for each model.
pub fn scatter(
    backend: &mut dyn Backend,
    labels: &[u32],
    models: &[Model],
) -> (Vec<u32>, Vec<Vec<u32>>) {
    let [depth, size_x, size_y] = models[0].volume.shape.map(|size| size as u32);
    let voxels = labels.len();
    let cells = CellIndex::new(labels.iter().map(|&id| id.into()));
    let indices: Vec<u32> = labels.iter().map(|&id| cells.index(id.into())).collect();
    let all = vec![u32::MAX; cells.len().div_ceil(32)];
    let tables = models[0].tables.len();
    let words = [voxels, 1, voxels, cells.len(), all.len(), tables, voxels, 1];
    let [
        label_buffer,
        annotations,
        regions,
        keys,
        selection,
        table,
        counts,
        status,
    ] = allocate(backend, words);
    let mut recording = Recording::default();
    recording.write(label_buffer, 0, indices);
    recording.write(keys, 0, cells.keys());
    recording.write(selection, 0, all);
    let params = RegionsParams {
        size_x,
        size_y,
        depth,
        isotropic: models[0].labelling.isotropic.into(),
        first_z: 0,
        slices: depth,
        ring: depth,
        annotated: 0,
    };
    let bound = [label_buffer, annotations, regions];
    let shape = [depth, size_x, size_y].map(|size| size as usize);
    recording.dispatch_voxels(&REGIONS, params, &bound, shape);
    recording.read(regions, 0..voxels);
    let found = execute(backend, recording).concat();

    let runs = models.iter().map(|model| {
        let (layer, [moved_z, moved_x, moved_y]) =
            (&model.labelling.layers[0], model.labelling.displacements);
        let [origin_z, origin_x, origin_y] = model.volume.offset.map(|offset| offset as u32);
        let params = ScatterParams {
            size_x,
            size_y,
            depth,
            origin_z,
            origin_x,
            origin_y,
            first_z: 0,
            slices: depth,
            labels_ring: depth,
            counts_ring: depth,
            region: layer.region_bit,
            selection_at: 0,
            proteins: layer.proteins,
            displacement: layer.displacement,
            count: layer.count,
            displaced: layer.displaced,
            moved_z,
            moved_x,
            moved_y,
        };
        assert_eq!(model.tables.len(), tables);
        let mut recording = Recording::default();
        recording.write(table, 0, model.tables.clone());
        recording.clear(counts, 0..voxels);
        recording.clear(status, 0..1);
        let bound = [
            label_buffer,
            regions,
            keys,
            selection,
            table,
            counts,
            status,
        ];
        recording.dispatch_voxels(&SCATTER, params, &bound, shape);
        recording.read(counts, 0..voxels);
        recording.read(status, 0..1);
        let mut found = execute(backend, recording);
        assert_eq!(found[1], [0], "status");
        found.swap_remove(0)
    });
    let runs = runs.collect();
    (found, runs)
}
