import { expect, test } from 'vitest';
import { machineLine, namedSets } from './machine.js';

test('instruction sets that matter are named, and only whole flags count', () => {
  expect(namedSets('fpu avx2 avx512f amx_int8')).toEqual(['AVX2', 'AVX-512', 'AMX-INT8']);
  expect(namedSets('avx512fp16 avx')).toEqual([]);
});

test('a machine is one line; without known instruction sets nothing is said of them', () => {
  const machine = {
    ...{
      cpu: 'A CPU',
      cores: 2,
      memoryBytes: 8e9,
      node: '20.12.0',
      onnxruntime: '1.30.0',
      platform: 'linux x64',
    },
    instructionSets: [],
  };
  expect(machineLine(machine)).toBe('A CPU, 2 cores, 8.00 GB; node 20.12.0, onnxruntime 1.30.0');
});
