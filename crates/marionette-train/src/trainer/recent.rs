//! A table of the latest samples that goes into checkpoints.

use candle_core::{Device, Result, Tensor};
use std::collections::VecDeque;

/// Samples kept.
const KEPT: usize = 8192;

/// The latest samples, oldest first, each as a row of `COLUMNS` numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct RecentRows<const COLUMNS: usize> {
    rows: VecDeque<[f32; COLUMNS]>,
}

impl<const COLUMNS: usize> RecentRows<COLUMNS> {
    /// Adds a row, in place of the oldest where the table is full.
    pub fn push(&mut self, row: [f32; COLUMNS]) {
        if self.rows.len() == KEPT {
            self.rows.pop_front();
        }
        self.rows.push_back(row);
    }

    /// The rows, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &[f32; COLUMNS]> {
        self.rows.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows as a tensor [N, COLUMNS] for a checkpoint.
    pub fn tensor(&self) -> Result<Tensor> {
        let values: Vec<f32> = self.rows.iter().flatten().copied().collect();
        Tensor::from_vec(values, (self.rows.len(), COLUMNS), &Device::Cpu)
    }

    /// The rows of a checkpoint.
    ///
    /// # Errors
    /// If the tensor is no table of `COLUMNS` columns.
    pub fn restore(tensor: &Tensor) -> Result<Self> {
        let (_, columns) = tensor.dims2()?;
        if columns != COLUMNS {
            candle_core::bail!("samples of {columns} columns, expected {COLUMNS}");
        }
        let values = tensor.flatten_all()?.to_vec1::<f32>()?;
        let (rows, _) = values.as_chunks::<COLUMNS>();
        Ok(RecentRows { rows: rows.iter().copied().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_rows_make_room_and_a_checkpoint_keeps_the_order() -> Result<()> {
        let mut recent = RecentRows::<2>::default();
        for sample in 0..KEPT + 3 {
            recent.push([sample as f32, -(sample as f32)]);
        }
        assert_eq!(recent.len(), KEPT);
        assert_eq!(recent.iter().next(), Some(&[3.0, -3.0]));
        assert_eq!(recent.iter().last(), Some(&[(KEPT + 2) as f32, -((KEPT + 2) as f32)]));
        assert_eq!(RecentRows::restore(&recent.tensor()?)?, recent);
        assert!(RecentRows::<3>::restore(&recent.tensor()?).is_err());
        Ok(())
    }
}
