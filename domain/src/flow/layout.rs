//! Placing nodes: in layers, or by forces. Positions are upper left corners, in whole pixels.

use super::{LayoutAlgorithm, NODE_HEIGHT, NODE_WIDTH, Position};

/// Free space between nodes, in pixels.
pub const GAP: f64 = 60.0;
/// Sweeps that order the nodes of a layer; more change little (Sugiyama, Tagawa, Toda, IEEE SMC-11, 1981).
const SWEEPS: usize = 8;

/// In layers: cycles are broken where a depth-first walk comes back, a node's layer is the longest way to it, and nodes of
/// a layer are ordered by the mean place of their neighbours. Nodes never overlap.
pub fn layered(count: usize, edges: &[(usize, usize)], algorithm: LayoutAlgorithm) -> Vec<Position> {
    let forward = without_cycles(count, edges);
    let layer = layers(count, &forward);
    let depth = layer.iter().max().map_or(0, |deepest| deepest + 1);
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); depth];
    for (node, layer) in layer.iter().enumerate() {
        rows[*layer].push(node);
    }
    order(&mut rows, count, &forward);

    let widest = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut positions = vec![Position::default(); count];
    for (depth, row) in rows.iter().enumerate() {
        for (place, node) in row.iter().enumerate() {
            // Each layer is centred on the widest.
            let across = place as f64 + (widest - row.len()) as f64 / 2.0;
            positions[*node] = match algorithm {
                LayoutAlgorithm::Hierarchical => Position {
                    x: across * (NODE_WIDTH + GAP),
                    y: depth as f64 * (NODE_HEIGHT + GAP),
                },
                _ => Position {
                    x: depth as f64 * (NODE_WIDTH + GAP),
                    y: across * (NODE_HEIGHT + GAP),
                },
            };
        }
    }
    positions
}

/// The edges that a depth-first walk in the order of the nodes does not find leading back.
fn without_cycles(count: usize, edges: &[(usize, usize)]) -> Vec<(usize, usize)> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        Not,
        OnTheWay,
        Done,
    }
    let mut outgoing = vec![Vec::new(); count];
    for (from, to) in edges {
        outgoing[*from].push(*to);
    }
    let mut seen = vec![Seen::Not; count];
    let mut forward = Vec::with_capacity(edges.len());
    for root in 0..count {
        if seen[root] != Seen::Not {
            continue;
        }
        seen[root] = Seen::OnTheWay;
        // The way here: each node with the next of its edges to look at. No recursion: a chart may be long.
        let mut way = vec![(root, 0)];
        while let Some((node, next)) = way.last_mut() {
            let from = *node;
            let Some(to) = outgoing[from].get(*next).copied() else {
                seen[from] = Seen::Done;
                way.pop();
                continue;
            };
            *next += 1;
            match seen[to] {
                Seen::OnTheWay => {}
                Seen::Done => forward.push((from, to)),
                Seen::Not => {
                    forward.push((from, to));
                    seen[to] = Seen::OnTheWay;
                    way.push((to, 0));
                }
            }
        }
    }
    forward
}

/// The longest way to each node, over edges without cycles.
fn layers(count: usize, forward: &[(usize, usize)]) -> Vec<usize> {
    let mut outgoing = vec![Vec::new(); count];
    let mut waiting = vec![0usize; count];
    for (from, to) in forward {
        outgoing[*from].push(*to);
        waiting[*to] += 1;
    }
    let mut layer = vec![0; count];
    let mut ready: Vec<usize> = (0..count).filter(|node| waiting[*node] == 0).collect();
    while let Some(node) = ready.pop() {
        for next in &outgoing[node] {
            layer[*next] = layer[*next].max(layer[node] + 1);
            waiting[*next] -= 1;
            if waiting[*next] == 0 {
                ready.push(*next);
            }
        }
    }
    layer
}

/// Orders each layer by the mean relative place of its neighbours, sweeping forth and back.
fn order(rows: &mut [Vec<usize>], count: usize, forward: &[(usize, usize)]) {
    let mut before = vec![Vec::new(); count];
    let mut after = vec![Vec::new(); count];
    for (from, to) in forward {
        before[*to].push(*from);
        after[*from].push(*to);
    }
    let mut place = vec![0.0; count];
    let number = |row: &[usize], place: &mut Vec<f64>| {
        for (index, node) in row.iter().enumerate() {
            place[*node] = (index as f64 + 0.5) / row.len() as f64;
        }
    };
    for row in rows.iter() {
        number(row, &mut place);
    }
    for sweep in 0..SWEEPS {
        let neighbours = if sweep % 2 == 0 { &before } else { &after };
        let mut indexes: Vec<usize> = (0..rows.len()).collect();
        if sweep % 2 == 1 {
            indexes.reverse();
        }
        for index in indexes {
            let row = &mut rows[index];
            let mean = |node: &usize| {
                let near = &neighbours[*node];
                if near.is_empty() {
                    place[*node]
                } else {
                    near.iter().map(|other| place[*other]).sum::<f64>() / near.len() as f64
                }
            };
            let mut wanted: Vec<(f64, usize)> = row.iter().map(|node| (mean(node), *node)).collect();
            wanted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            *row = wanted.into_iter().map(|(_, node)| node).collect();
            number(row, &mut place);
        }
    }
}

/// By forces: edges pull, nodes push, and steps cool down (Fruchterman and Reingold, Software: Practice and Experience 21,
/// 1991). Starts on a circle rather than at random, so that the same graph is drawn alike each time.
pub fn force(count: usize, edges: &[(usize, usize)]) -> Vec<Position> {
    if count == 0 {
        return Vec::new();
    }
    let wish = NODE_WIDTH + GAP;
    // About the work of 300 rounds over 100 nodes, at most; a larger graph is drawn more roughly.
    let rounds = (3_000_000 / (count * count)).clamp(20, 300);
    let radius = wish * count as f64 / std::f64::consts::TAU;
    let mut at: Vec<(f64, f64)> = (0..count)
        .map(|index| {
            let angle = std::f64::consts::TAU * index as f64 / count as f64;
            (radius * angle.cos(), radius * angle.sin())
        })
        .collect();
    for round in 0..rounds {
        let mut push = vec![(0.0, 0.0); count];
        for one in 0..count {
            for other in one + 1..count {
                let (dx, dy) = (at[one].0 - at[other].0, at[one].1 - at[other].1);
                let square = (dx * dx + dy * dy).max(1.0);
                let (fx, fy) = (dx * wish * wish / square, dy * wish * wish / square);
                push[one] = (push[one].0 + fx, push[one].1 + fy);
                push[other] = (push[other].0 - fx, push[other].1 - fy);
            }
        }
        for (from, to) in edges.iter().filter(|(from, to)| from != to) {
            let (dx, dy) = (at[*from].0 - at[*to].0, at[*from].1 - at[*to].1);
            let pull = dx.hypot(dy) / wish;
            push[*from] = (push[*from].0 - dx * pull, push[*from].1 - dy * pull);
            push[*to] = (push[*to].0 + dx * pull, push[*to].1 + dy * pull);
        }
        let heat = wish * (1.0 - round as f64 / rounds as f64);
        for (node, (fx, fy)) in at.iter_mut().zip(push) {
            let length = fx.hypot(fy).max(1e-9);
            let step = length.min(heat) / length;
            *node = (node.0 + fx * step, node.1 + fy * step);
        }
    }
    let left = at.iter().map(|(x, _)| *x).fold(f64::INFINITY, f64::min);
    let top = at.iter().map(|(_, y)| *y).fold(f64::INFINITY, f64::min);
    at.into_iter()
        .map(|(x, y)| Position {
            x: (x - left).round(),
            y: (y - top).round(),
        })
        .collect()
}
