package people

import "rapport/shared/event"

// Together groups events that name a common identity, as indexes into events,
// each group in the order of arrival. What belongs together is folded in one
// commit instead of several that contend.
func Together(events []event.Event) [][]int {
	sets := disjoint{}
	first := make([]int, len(events)) // an identity of each event
	for i := range events {
		nodes := events[i].Nodes()
		first[i] = sets.add(nodes[0].String())
		for _, id := range nodes[1:] {
			sets.join(first[i], sets.add(id.String()))
		}
	}
	var groups [][]int
	place := map[int]int{}
	for i := range events {
		root := sets.root(first[i])
		g, ok := place[root]
		if !ok {
			g = len(groups)
			place[root] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	return groups
}

// disjoint is a union-find over names.
type disjoint struct {
	index  map[string]int
	parent []int
}

func (d *disjoint) add(name string) int {
	if i, ok := d.index[name]; ok {
		return i
	}
	if d.index == nil {
		d.index = map[string]int{}
	}
	i := len(d.parent)
	d.index[name] = i
	d.parent = append(d.parent, i)
	return i
}

func (d *disjoint) root(i int) int {
	for d.parent[i] != i {
		d.parent[i] = d.parent[d.parent[i]]
		i = d.parent[i]
	}
	return i
}

func (d *disjoint) join(a, b int) { d.parent[d.root(b)] = d.root(a) }
