/**
 * A small discrete-event engine: tasks with predecessors on resources that do one thing at a time, first ready first
 * served. Pure. The reference that the recurrences are held against; far slower than they are.
 */

export type Task = {
  /** Tasks on the same resource exclude each other; undefined needs none (a delay). */
  readonly resource: number | undefined;
  readonly durationMs: number;
  /** Indices of tasks that must have ended. */
  readonly after: readonly number[];
};

/** @returns when each task ends, by index. Ties go to the task with the smaller index. */
export function runTasks(tasks: readonly Task[]): Float64Array {
  const ends = new Float64Array(tasks.length).fill(NaN);
  const waitingFor = tasks.map((task) => task.after.length);
  const followers = followersOf(tasks);
  const events = new Heap();
  const resources = new Map<number, Resource>();
  tasks.forEach((task, index) => {
    if (task.after.length === 0) events.push(0, index, false);
  });
  for (let event = events.pop(); event !== undefined; event = events.pop()) {
    const task = tasks[event.task] as Task;
    if (!event.ends) {
      ready(task, event.task, event.atMs, resources, events);
      continue;
    }
    ends[event.task] = event.atMs;
    released(tasks, task, event.atMs, resources, events);
    for (const follower of followers[event.task] ?? []) {
      waitingFor[follower] = (waitingFor[follower] as number) - 1;
      if (waitingFor[follower] === 0) events.push(event.atMs, follower, false);
    }
  }
  return ends;
}

type Resource = { busy: boolean; readonly queue: number[] };

function ready(
  task: Task,
  index: number,
  atMs: number,
  resources: Map<number, Resource>,
  events: Heap,
): void {
  if (task.resource === undefined) return events.push(atMs + task.durationMs, index, true);
  const resource = resources.get(task.resource) ?? { busy: false, queue: [] };
  resources.set(task.resource, resource);
  if (resource.busy) {
    resource.queue.push(index);
    return;
  }
  resource.busy = true;
  events.push(atMs + task.durationMs, index, true);
}

function released(
  tasks: readonly Task[],
  task: Task,
  atMs: number,
  resources: Map<number, Resource>,
  events: Heap,
): void {
  if (task.resource === undefined) return;
  const resource = resources.get(task.resource) as Resource;
  const next = resource.queue.shift();
  resource.busy = next !== undefined;
  if (next !== undefined) events.push(atMs + (tasks[next] as Task).durationMs, next, true);
}

function followersOf(tasks: readonly Task[]): number[][] {
  const followers: number[][] = tasks.map(() => []);
  tasks.forEach((task, index) => task.after.forEach((before) => followers[before]?.push(index)));
  return followers;
}

type Event = { readonly atMs: number; readonly task: number; readonly ends: boolean };

/** Binary heap by time; at the same time ready tasks by index before ends, so that ties are served in order. */
class Heap {
  readonly #events: Event[] = [];

  push(atMs: number, task: number, ends: boolean): void {
    const events = this.#events;
    events.push({ atMs, task, ends });
    for (let index = events.length - 1; index > 0;) {
      const parent = (index - 1) >> 1;
      if (!isBefore(events[index] as Event, events[parent] as Event)) return;
      [events[index], events[parent]] = [events[parent] as Event, events[index] as Event];
      index = parent;
    }
  }

  pop(): Event | undefined {
    const events = this.#events;
    const first = events[0];
    const last = events.pop();
    if (first === undefined || last === undefined || events.length === 0) return first;
    events[0] = last;
    for (let index = 0; ;) {
      const child = this.#earlierChild(index);
      if (child === undefined || !isBefore(events[child] as Event, events[index] as Event)) return first;
      [events[index], events[child]] = [events[child] as Event, events[index] as Event];
      index = child;
    }
  }

  #earlierChild(index: number): number | undefined {
    const [left, right] = [this.#events[2 * index + 1], this.#events[2 * index + 2]];
    if (left === undefined) return undefined;
    return right !== undefined && isBefore(right, left) ? 2 * index + 2 : 2 * index + 1;
  }
}

function isBefore(a: Event, b: Event): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  if (a.ends !== b.ends) return !a.ends;
  return a.task < b.task;
}
