//! Some of a table's pictures with their keypoints: those to search in, or those to judge on.

use crate::{
    table::Table,
    term::{Ask, Term},
};

/// Some of a table's pictures.
pub(crate) struct Sample<'t> {
    pub table: &'t Table,
    /// The table's index of each picture here.
    pub pictures: Vec<usize>,
    /// The weight of each picture here.
    pub weights: Vec<f64>,
    /// The table's index of each keypoint here.
    pub rows: Vec<usize>,
    /// The picture here of each keypoint here.
    pub picture_of: Vec<u32>,
}

impl<'t> Sample<'t> {
    /// The pictures that pass `keep`.
    pub fn new(table: &'t Table, keep: impl Fn(usize) -> bool) -> Self {
        let mut here = vec![None; table.weights().len()];
        let mut sample = Self {
            table,
            pictures: Vec::new(),
            weights: Vec::new(),
            rows: Vec::new(),
            picture_of: Vec::new(),
        };
        for picture in (0..here.len()).filter(|picture| keep(*picture)) {
            here[picture] = Some(sample.pictures.len() as u32);
            sample.pictures.push(picture);
            sample.weights.push(f64::from(table.weights()[picture]));
        }
        for (row, keypoint) in table.keypoints().iter().enumerate() {
            if let Some(picture) = here[keypoint.picture as usize] {
                sample.rows.push(row);
                sample.picture_of.push(picture);
            }
        }
        sample
    }

    /// The losses of the keypoints.
    pub fn losses(&self) -> Vec<f64> {
        self.rows.iter().map(|&row| f64::from(self.table.keypoints()[row].loss)).collect()
    }

    /// The weight of a keypoint: its picture's.
    pub fn weight(&self, row: usize) -> f64 {
        self.weights[self.picture_of[row] as usize]
    }

    /// For which keypoints all terms hold.
    pub fn mask(&self, terms: &[Term]) -> Vec<bool> {
        let rows = self.rows.iter().zip(&self.picture_of);
        rows.map(|(&row, &p)| self.table.hold(terms, self.pictures[p as usize], row)).collect()
    }

    /// How many entries a factor has here: pictures or keypoints.
    pub fn entries(&self, factor: usize) -> usize {
        if self.table.is_of_pictures(factor) { self.pictures.len() } else { self.rows.len() }
    }

    /// A factor's index of an entry here, and the entry's weight.
    pub fn entry(&self, factor: usize, entry: usize) -> (usize, f64) {
        if self.table.is_of_pictures(factor) {
            (self.pictures[entry], self.weights[entry])
        } else {
            (self.rows[entry], self.weight(entry))
        }
    }

    /// A factor's index of a keypoint here, or of its picture.
    pub fn entry_of_row(&self, factor: usize, row: usize) -> usize {
        if self.table.is_of_pictures(factor) {
            self.pictures[self.picture_of[row] as usize]
        } else {
            self.rows[row]
        }
    }

    /// In which of the bins between `cuts` the number of each keypoint falls, counted from 0; one
    /// more than there are for an unknown one.
    pub fn bins(&self, factor: usize, cuts: &[f32]) -> Vec<usize> {
        let held = &self.table.factors()[factor];
        let bin = |row: usize| {
            let entry = self.entry_of_row(factor, row);
            let reaches = |cut: f32| Term { factor, ask: Ask::AtLeast(cut) }.holds(held, entry);
            if !reaches(f32::MIN) {
                return cuts.len() + 1;
            }
            cuts.iter().filter(|cut| reaches(**cut)).count()
        };
        (0..self.rows.len()).map(bin).collect()
    }
}
