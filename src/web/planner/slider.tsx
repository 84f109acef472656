/**
 * A slider over named stops.
 */
import { useId } from 'preact/hooks';
import type { Stop } from './stops.js';

type SliderProps = {
  readonly name: string;
  readonly stops: readonly Stop<unknown>[];
  readonly at: number;
  readonly onMove: (at: number) => void;
};

export function Slider({ name, stops, at, onMove }: SliderProps) {
  const id = useId();
  const label = stops[at]?.label ?? '';
  return (
    <div class="slider">
      <label for={id}>{name}</label>
      <output for={id}>{label}</output>
      <input
        id={id}
        type="range"
        min={0}
        max={stops.length - 1}
        step={1}
        value={at}
        aria-valuetext={label}
        onInput={(event) => onMove(Number(event.currentTarget.value))}
      />
    </div>
  );
}
