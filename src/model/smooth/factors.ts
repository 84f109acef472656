/**
 * By how much the channels of a linear layer's input are divided, and its weight's columns multiplied, so that both
 * lose least when they are rounded to 8 bits. Pure.
 *
 * Channel j of peak X_j (activations, rows brought to equal size) and W_j (weights) gets ((X_j/W_j)/middle)^alpha, at
 * least 1, rounded to a power of two: so folding it into the weights is exact. That is SmoothQuant's rule (Xiao et al.,
 * 2023) but for the choice of alpha, which is the one of four with the least expected rounding error; factors made from
 * one half of the rows are judged on the other half, so that what a few rows happen to show is not taken for a rule.
 */

/** What enters a linear layer: [rows, width] f32. */
export type Activations = { readonly rows: number; readonly width: number; readonly values: Float32Array };

/** Some rows of a weight [out, in], each standing for `rowsEach` of them. */
export type SampledRows = { readonly values: Float32Array; readonly rowsEach: number };

export type LinearInput = {
  readonly activations: Activations;
  /** Of every matrix that reads the input. */
  readonly weights: readonly SampledRows[];
  /** The channel a column belongs to, for columns that must share a factor; its own unless given. */
  readonly channels?: Int32Array;
};

/** 0 leaves the input as it is; 1 would give the activations the weights' profile. */
const ALPHAS = [0, 0.25, 0.5, 0.75] as const;
/** Factors go up to this; more would only say that a channel's weights are all but zero. */
const LARGEST_FACTOR = 2 ** 12;
/** Steps to each side of zero. */
const STEPS = 127;

/** @returns one factor a column, all powers of two, or undefined where the input is best left as it is. */
export function chooseFactors(input: LinearInput): Float32Array | undefined {
  const { activations } = input;
  const even = everySecondRow(activations, 0);
  const odd = everySecondRow(activations, 1);
  const energies = columnEnergies(input.weights, activations.width);
  const errors = ALPHAS.map((alpha) => {
    const crossed = [
      [even, odd],
      [odd, even],
    ] as const;
    return crossed.reduce((sum, [from, on]) => {
      const factors = factorsOf({ ...input, activations: from }, alpha);
      return sum + roundingError(on, input.weights, energies, factors);
    }, 0);
  });
  const best = ALPHAS[errors.indexOf(Math.min(...errors))] ?? 0;
  return best === 0 ? undefined : factorsOf(input, best);
}

function everySecondRow({ rows, width, values }: Activations, first: 0 | 1): Activations {
  const half = new Float32Array(Math.ceil((rows - first) / 2) * width);
  for (let row = first, to = 0; row < rows; row += 2, to += width) {
    half.set(values.subarray(row * width, (row + 1) * width), to);
  }
  return { rows: half.length / width, width, values: half };
}

function factorsOf({ activations, weights, channels }: LinearInput, alpha: number): Float32Array {
  const { width } = activations;
  const channelOf = channels ?? Int32Array.from({ length: width }, (_, column) => column);
  const ofActivations = channelPeaks(activationPeaks(activations), channelOf);
  const ofWeights = channelPeaks(weightPeaks(weights, width), channelOf);
  const ratios = ofActivations.map((peak, channel) => {
    const other = ofWeights[channel] as number;
    return peak > 0 && other > 0 ? peak / other : 0;
  });
  const middle = geometricMean(ratios);
  return Float32Array.from(channelOf, (channel) => {
    const factor = ((ratios[channel] as number) / middle) ** alpha;
    return factor > 1 ? 2 ** Math.round(Math.log2(Math.min(factor, LARGEST_FACTOR))) : 1;
  });
}

/** The largest magnitude of every column, each row divided by its root mean square: a loud row is no loud channel. */
function activationPeaks({ rows, width, values }: Activations): Float32Array {
  const peaks = new Float32Array(width);
  for (let row = 0; row < rows; row++) {
    const start = row * width;
    let squares = 0;
    for (let i = 0; i < width; i++) squares += (values[start + i] as number) ** 2;
    const inverse = squares > 0 ? Math.sqrt(width / squares) : 0;
    for (let i = 0; i < width; i++) {
      const size = Math.abs(values[start + i] as number) * inverse;
      if (size > (peaks[i] as number)) peaks[i] = size;
    }
  }
  return peaks;
}

function weightPeaks(weights: readonly SampledRows[], width: number): Float32Array {
  const peaks = new Float32Array(width);
  for (const { values } of weights) {
    for (let start = 0; start < values.length; start += width) {
      for (let i = 0; i < width; i++) {
        const size = Math.abs(values[start + i] as number);
        if (size > (peaks[i] as number)) peaks[i] = size;
      }
    }
  }
  return peaks;
}

function channelPeaks(peaks: Float32Array, channelOf: Int32Array): Float64Array {
  const most = new Float64Array(channelOf.reduce((last, channel) => Math.max(last, channel), 0) + 1);
  peaks.forEach((peak, column) => {
    const channel = channelOf[column] as number;
    most[channel] = Math.max(most[channel] as number, peak);
  });
  return most;
}

/** Of what is not zero. */
function geometricMean(values: Float64Array): number {
  const logs = values.filter((value) => value > 0).map(Math.log);
  return logs.length === 0 ? 1 : Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
}

/** Σ over all rows of the weights of w², for every column. */
function columnEnergies(weights: readonly SampledRows[], width: number): Float64Array {
  const energies = new Float64Array(width);
  for (const { values, rowsEach } of weights) {
    for (let start = 0; start < values.length; start += width) {
      for (let i = 0; i < width; i++) {
        energies[i] = (energies[i] as number) + rowsEach * (values[start + i] as number) ** 2;
      }
    }
  }
  return energies;
}

/**
 * The variance that rounding adds to the outputs of a row over the outputs' own size, summed over rows; without the
 * common 1/12. Activations have a step a row, weights a step an output channel.
 */
function roundingError(
  { rows, width, values }: Activations,
  weights: readonly SampledRows[],
  energies: Float64Array,
  factors: Float32Array,
): number {
  const weightSteps = squaredWeightSteps(weights, factors);
  let scaledEnergy = 0;
  for (let i = 0; i < width; i++) scaledEnergy += (energies[i] as number) * (factors[i] as number) ** 2;
  let error = 0;
  for (let row = 0; row < rows; row++) {
    let [peak, squares, outputs] = [0, 0, 0];
    for (let i = 0; i < width; i++) {
      const value = values[row * width + i] as number;
      const scaled = value / (factors[i] as number);
      peak = Math.max(peak, Math.abs(scaled));
      squares += scaled * scaled;
      outputs += value * value * (energies[i] as number);
    }
    if (outputs > 0) error += ((peak / STEPS) ** 2 * scaledEnergy + weightSteps * squares) / outputs;
  }
  return error;
}

/** Σ over output channels of the square of their step. */
function squaredWeightSteps(weights: readonly SampledRows[], factors: Float32Array): number {
  const width = factors.length;
  let sum = 0;
  for (const { values, rowsEach } of weights) {
    for (let start = 0; start < values.length; start += width) {
      let peak = 0;
      for (let i = 0; i < width; i++) {
        const size = Math.abs(values[start + i] as number) * (factors[i] as number);
        if (size > peak) peak = size;
      }
      sum += rowsEach * (peak / STEPS) ** 2;
    }
  }
  return sum;
}
