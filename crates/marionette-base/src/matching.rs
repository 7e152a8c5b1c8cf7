//! Which of the things that cannot be told apart is which.

/// Members of the largest group. Every permutation of a group is looked at.
pub const LARGEST_GROUP: usize = 6;

/// What each of `count` things is matched with: entry `a` is `b` where matching them costs
/// `cost(a, b)`, and the sum over each of `groups` is the least. A thing in no group is matched
/// with itself.
///
/// Groups hold indices below `count`, and no index twice. Of permutations that cost the same the
/// first one counts, in the order of the group's members, so what costs as little as any other
/// stays as it is. So does a group where leaving it as it is has a cost that is not a number.
pub fn least_cost(
    groups: &[Vec<usize>],
    count: usize,
    cost: impl Fn(usize, usize) -> f64,
) -> Vec<usize> {
    let mut matched: Vec<usize> = (0..count).collect();
    for group in groups {
        let costs: Vec<Vec<f64>> =
            group.iter().map(|a| group.iter().map(|b| cost(*a, *b)).collect()).collect();
        let mut search = Search {
            costs: &costs,
            chosen: Vec::with_capacity(group.len()),
            best: (0..group.len()).collect(),
            least: (0..group.len()).map(|k| costs[k][k]).sum(),
        };
        search.go_on(0.0);
        for (a, b) in group.iter().zip(&search.best) {
            matched[*a] = group[*b];
        }
    }
    matched
}

/// A walk through the permutations of a group in lexicographical order.
struct Search<'a> {
    costs: &'a [Vec<f64>],
    chosen: Vec<usize>,
    best: Vec<usize>,
    least: f64,
}

impl Search<'_> {
    /// Looks at every permutation that begins with `chosen`, which costs `sum`.
    fn go_on(&mut self, sum: f64) {
        let row = self.chosen.len();
        if row == self.costs.len() {
            if sum < self.least {
                self.least = sum;
                self.best.clone_from(&self.chosen);
            }
            return;
        }
        for column in 0..self.costs.len() {
            if !self.chosen.contains(&column) {
                self.chosen.push(column);
                self.go_on(sum + self.costs[row][column]);
                self.chosen.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Distances between numbers on a line.
    fn on_a_line<'a>(a: &'a [f64], b: &'a [f64]) -> impl Fn(usize, usize) -> f64 + use<'a> {
        |i, j| (a[i] - b[j]).abs()
    }

    #[test]
    fn each_group_is_matched_at_the_least_cost_and_nothing_else_moves() {
        let (a, b) = ([0.0, 10.0, 20.0, 5.0, 7.0, 8.0], [8.0, 1.0, 9.0, 21.0, 8.0, 7.0]);
        let groups = [vec![1, 3, 2], vec![4, 5]];
        // 0 is in no group, though 1 is nearer.
        assert_eq!(least_cost(&groups, 6, on_a_line(&a, &b)), [0, 2, 3, 1, 5, 4]);
        assert_eq!(least_cost(&[], 6, on_a_line(&a, &b)), [0, 1, 2, 3, 4, 5]);
        // As every permutation of the largest group, so the right one of them.
        let turned: Vec<f64> = (0..6).map(|k| f64::from((k * 5 + 2) % 6)).collect();
        let found = least_cost(&[(0..6).collect()], 6, |i, j| (i as f64 - turned[j]).powi(2));
        assert!(found.iter().enumerate().all(|(i, j)| turned[*j] == i as f64), "{found:?}");
    }

    #[test]
    fn ties_and_what_is_no_number_leave_the_order_as_it_is() {
        // On a line, moving on by one or jumping over the other is equally far.
        assert_eq!(least_cost(&[vec![0, 1]], 2, on_a_line(&[0.0, 1.0], &[1.0, 2.0])), [0, 1]);
        assert_eq!(least_cost(&[vec![1, 0]], 2, |_, _| 0.0), [0, 1]);
        let no_number =
            |i: usize, j: usize| if (i, j) == (2, 2) { f64::NAN } else { 1.0 - i as f64 };
        assert_eq!(least_cost(&[vec![0, 1, 2]], 3, no_number), [0, 1, 2]);
        // Of the two cheapest of six, the first.
        let costs = [[9.0, 1.0, 2.0], [1.0, 9.0, 2.0], [1.0, 1.0, 9.0]];
        assert_eq!(least_cost(&[vec![0, 1, 2]], 3, |i, j| costs[i][j]), [1, 2, 0]);
    }
}
