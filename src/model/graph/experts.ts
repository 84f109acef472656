/**
 * Experts as nodes: a router scores them for every row, each row goes through its best, and their outputs are mixed. Rows are
 * grouped by expert, so that an expert's weights are read once for all of its rows; an expert without rows is skipped.
 */
import type { ExpertsWeights, ExpertWeights } from '../../core/checkpoint.js';
import type { ExpertsSpec } from '../../core/layers/layer-spec.js';
import { addSwish } from './activations.js';
import { GraphBuilder } from './graph-builder.js';
import type { GraphTarget } from './graph-target.js';
import { addLinear } from './linear.js';

/** x [1, rows, hidden] → [1, rows, hidden]. */
export async function addExperts(
  target: GraphTarget,
  spec: ExpertsSpec,
  { router, experts }: ExpertsWeights,
  x: string,
): Promise<string> {
  // Scores decide which experts a row takes, so they are never rounded.
  const scores = await addLinear({ ...target, dtype: 'f32' }, 'router', x, router);
  const { shares, chosen } = addChoice(target, spec, scores);
  const common = commonConstants(target, spec);
  const outputs: string[] = [];
  const slots: string[] = [];
  for (const [index, expert] of experts.entries()) {
    const own = addSlots(target, index, chosen, common);
    slots.push(own);
    outputs.push(await addExpert(target, { spec, expert, index, x, slots: own, common }));
  }
  return addMixture(target, { outputs, slots, chosen, shares, common });
}

type Common = ReturnType<typeof commonConstants>;

function commonConstants({ graph, shape }: GraphTarget, { chosen }: ExpertsSpec) {
  const one = (name: string, value: number) => graph.constant(`experts.${name}`, 'i64', [1], [value]);
  return {
    flat: one('flat', -1),
    zero: one('zero', 0),
    two: one('two', 2),
    perRow: one('perRow', chosen),
    start: graph.constant('experts.start', 'i64', [], [0]),
    step: graph.constant('experts.step', 'i64', [], [1]),
    bySlot: graph.constant('experts.bySlot', 'i64', [3], [-1, chosen, shape.hidden]),
    shareRows: graph.constant('experts.shareRows', 'i64', [3], [-1, 1, chosen]),
    rows: graph.constant('experts.rows', 'i64', [3], [1, -1, shape.hidden]),
  };
}

/**
 * shares [1, rows, chosen] of the experts of a row, and which they are, one row after another: i64 [rows·chosen]. A slot is
 * a place in that list.
 */
function addChoice({ graph }: GraphTarget, spec: ExpertsSpec, scores: string) {
  const count = graph.constant('experts.count', 'i64', [1], [spec.chosen]);
  const outputs = ['experts.best', 'experts.which'];
  const [best, which] = outputs as [string, string];
  graph.node('TopK', [scores, count], { attributes: { axis: -1, largest: 1, sorted: 1 }, outputs });
  const softmax = (of: string): string => graph.node('Softmax', [of], { attributes: { axis: -1 } });
  const shares =
    spec.softmaxOver === 'chosen'
      ? softmax(best)
      : graph.node('GatherElements', [softmax(scores), which], { attributes: { axis: -1 } });
  const flat = graph.constant('experts.list', 'i64', [1], [-1]);
  return { shares, chosen: graph.node('Reshape', [which, flat]) };
}

/** The slots of one expert, i64 [n]. */
function addSlots({ graph }: GraphTarget, index: number, chosen: string, { flat }: Common): string {
  const own = graph.node('Equal', [chosen, graph.constant(`expert${index}`, 'i64', [1], [index])]);
  return graph.node('Reshape', [graph.node('NonZero', [own]), flat]);
}

type ExpertPlace = {
  readonly spec: ExpertsSpec;
  readonly expert: ExpertWeights;
  readonly index: number;
  readonly x: string;
  readonly slots: string;
  readonly common: Common;
};

/** An expert's outputs for its slots, [1, n, hidden], in their order. */
async function addExpert(target: GraphTarget, place: ExpertPlace): Promise<string> {
  const { graph } = target;
  const { index, slots, x, common } = place;
  const hasRows = graph.node('Greater', [graph.node('Size', [slots]), common.start]);
  const some = new GraphBuilder(`expert${index}`, graph);
  const output = await addExpertRows({ ...target, graph: some, quantized: new Map() }, place);
  some.output(output, 'f32', [1, 'slots', target.shape.hidden]);
  const none = new GraphBuilder(`expert${index}.none`, graph);
  // No rows, in a way that the runtime does not fold into a constant, which it would not read back.
  const empty = none.node('Gather', [x, slots], { attributes: { axis: 1 } });
  none.output(empty, 'f32', [1, 'slots', target.shape.hidden]);
  return graph.node('If', [hasRows], {
    attributes: { then_branch: { graph: some.build() }, else_branch: { graph: none.build() } },
  });
}

/** Kernels add a row alone, or the last of an odd number, up in another order: rows go through in even numbers. */
async function addExpertRows(target: GraphTarget, place: ExpertPlace): Promise<string> {
  const { graph } = target;
  const { spec, expert, index, x, slots, common } = place;
  const rows = graph.node('Div', [slots, common.perRow]);
  const count = graph.node('Shape', [rows]);
  const firstTwin = graph.node('Sub', [count, graph.node('Mod', [count, common.two])]);
  const twin = graph.node('Slice', [rows, firstTwin, count]);
  const even = graph.node('Concat', [rows, twin], { attributes: { axis: 0 } });
  const input = graph.node('Gather', [x, even], { attributes: { axis: 1 } });
  const output = await addExpertMlp(target, spec, expert, `expert${index}`, input);
  const axis = graph.constant(`expert${index}.axis`, 'i64', [1], [1]);
  return graph.node('Slice', [output, common.zero, count, axis]);
}

async function addExpertMlp(
  target: GraphTarget,
  { activation }: ExpertsSpec,
  { gate, up, down }: ExpertWeights,
  name: string,
  x: string,
): Promise<string> {
  const { graph } = target;
  const wide = await addLinear(target, `${name}.up`, x, up);
  const gates = await addLinear(target, `${name}.gate`, x, gate);
  const inner =
    activation.kind === 'silu'
      ? graph.node('Mul', [addSwish(graph, gates, 1), wide])
      : addClamped(graph, name, activation.limit, gates, wide);
  return addLinear(target, `${name}.down`, inner, down);
}

/** As published for gpt-oss. */
const CLAMPED_ALPHA = 1.702;

/** (up + 1)·gate·sigmoid(1.702·gate) with gate ≤ limit and |up| ≤ limit. */
function addClamped(graph: GraphBuilder, name: string, limit: number, gate: string, up: string): string {
  const scalar = (part: string, value: number) => graph.constant(`${name}.${part}`, 'f32', [], [value]);
  const most = scalar('most', limit);
  const gates = graph.node('Clip', [gate, '', most]);
  const wide = graph.node('Clip', [up, scalar('least', -limit), most]);
  const shifted = graph.node('Add', [wide, scalar('one', 1)]);
  return graph.node('Mul', [shifted, addSwish(graph, gates, CLAMPED_ALPHA)]);
}

type MixturePlace = {
  readonly outputs: readonly string[];
  readonly slots: readonly string[];
  readonly chosen: string;
  readonly shares: string;
  readonly common: Common;
};

/** The outputs, which come grouped by expert, back in the order of slots, and each row's mixed by its shares. */
function addMixture(
  { graph }: GraphTarget,
  { outputs, slots, chosen, shares, common }: MixturePlace,
): string {
  const grouped = graph.node('Concat', outputs, { attributes: { axis: 1 } });
  const order = graph.node('Concat', slots, { attributes: { axis: 0 } });
  const places = graph.node('Range', [common.start, graph.node('Size', [chosen]), common.step]);
  const placeOfSlot = graph.node('ScatterElements', [chosen, order, places], { attributes: { axis: 0 } });
  const bySlot = graph.node('Gather', [grouped, placeOfSlot], { attributes: { axis: 1 } });
  const mixed = graph.node('MatMul', [
    graph.node('Reshape', [shares, common.shareRows]),
    graph.node('Reshape', [bySlot, common.bySlot]),
  ]);
  return graph.node('Reshape', [mixed, common.rows]);
}
