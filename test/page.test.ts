/**
 * The page in a real browser, on a real server with the model `quote`: it chats, shows the chain, plans, and keeps to
 * its own rules.
 */
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, ServedPage } from './support/served-page.js';
import { HANG_LIMIT_MS, until } from './support/until.js';

const WHERE = chromiumPath ?? 'skipped: no chromium here; on Debian, apt-get install chromium';

/**
 * Runs in the page before its own code. Gives it one event of a stream at a time and the next one once that has been drawn,
 * so that no moment is missed where a browser beside workers on two cores comes to draw only now and then.
 */
const DRAWN_EVENT_BY_EVENT = `(() => {
  const realFetch = globalThis.fetch;
  const drawn = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  const oneByOne = () => {
    let rest = '';
    return new TransformStream({
      async transform(text, controller) {
        const events = (rest + text).split('\\n\\n');
        rest = events.pop();
        for (const event of events) {
          controller.enqueue(event + '\\n\\n');
          await drawn();
        }
      },
      flush: (controller) => controller.enqueue(rest),
    });
  };
  globalThis.fetch = async (...asked) => {
    const response = await realFetch(...asked);
    if (!response.headers.get('content-type')?.includes('event-stream')) return response;
    const body = response.body
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(oneByOne())
      .pipeThrough(new TextEncoderStream());
    return new Response(body, { status: response.status, headers: response.headers });
  };
})()`;

describe.skipIf(chromiumPath === undefined)(`the page (${WHERE})`, () => {
  let served: ServedPage;
  let browser: Browser;
  /** What the page complained of, and what it asked others for. */
  let complaints: string[] = [];

  beforeAll(async () => {
    // Chromium does not run as root with its sandbox; it only ever sees our own page here.
    const launched = chromium.launch({ executablePath: chromiumPath ?? '', args: ['--no-sandbox'] });
    [served, browser] = await Promise.all([ServedPage.start(2), launched]);
  });
  afterAll(() => Promise.all([served?.close(), browser?.close()]));
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    expect(complaints).toEqual([]);
    complaints = [];
  });

  async function open(
    path = '/',
    options: BrowserContextOptions = {},
    url = served.url,
    script = '',
  ): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    await page.addInitScript(script);
    page.setDefaultTimeout(HANG_LIMIT_MS);
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => {
      if (!request.url().startsWith(url)) complaints.push(`asked ${request.url()}`);
    });
    await page.goto(url + path);
    return page;
  }

  async function ask(page: Page, place: string): Promise<void> {
    await page.getByRole('button', { name: `Door code of the ${place}` }).click();
    await page.getByRole('button', { name: 'Send' }).click();
  }

  const answer = (page: Page) => page.locator('.message.assistant .text').last();
  const picture = (page: Page) =>
    page.evaluate<string>(`document.querySelector('#chain canvas')?.toDataURL() ?? ''`);
  /** Looks in the page itself at every frame it draws: a look from outside comes too seldom on a busy machine. */
  const watchFrames = (page: Page) =>
    page.evaluate(`(() => {
      const seen = { pictures: new Set(), lengths: new Set(), shares: new Set() };
      globalThis.framesSeen = () => Object.fromEntries(Object.entries(seen).map(([name, set]) => [name, set.size]));
      const look = () => {
        seen.pictures.add(document.querySelector('#chain canvas')?.toDataURL() ?? '');
        seen.lengths.add([...document.querySelectorAll('.message.assistant .text')].at(-1)?.innerText.length ?? 0);
        for (const reading of document.querySelectorAll('#chain .reading')) seen.shares.add(reading.innerText);
        requestAnimationFrame(look);
      };
      look();
    })()`);
  const framesSeen = (page: Page) =>
    page.evaluate<{ pictures: number; lengths: number; shares: number }>('framesSeen()');

  /** How many of the picture's pixels have a colour of the page's. */
  const pixelsOf = (page: Page, colour: string) =>
    page.evaluate<number>(`(() => {
      const canvas = document.querySelector('#chain canvas');
      const hex = getComputedStyle(canvas).getPropertyValue('${colour}').trim();
      const wanted = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let at = 0; at < data.length; at += 4) count += wanted.every((one, i) => data[at + i] === one);
      return count;
    })()`);

  test('a chat streams, the chain moves, and both end with what was measured', async () => {
    const page = await open('/', {}, served.url, DRAWN_EVENT_BY_EVENT);
    await watchFrames(page);
    await ask(page, 'lamp room');
    await page.getByText('Ended at the limit of new tokens.').waitFor();
    expect(await answer(page).innerText()).toMatch(/^4821\./);
    const seen = await framesSeen(page);
    expect(seen.lengths).toBeGreaterThan(3);
    // Outlines of the plan, a few positions of the line that says now, and what was measured.
    expect(seen.pictures).toBeGreaterThan(3);
    expect(seen.shares).toBeGreaterThan(1);
    await page.locator('#chain .ranks').waitFor();
    expect(await page.locator('#chain .ranks tbody tr').count()).toBe(2);
    expect(await page.locator('#chain .figure', { hasText: 'measured' }).first().innerText()).toMatch(
      /\d m?s/,
    );
    // Rank 0 sends and rank 1 receives: told in words, and drawn.
    const told = await page.locator('#chain canvas').getAttribute('aria-label');
    expect(told).toMatch(/rank 0 [^;]*, sent [\d.]+ MB from [^;]* at up to [\d.]+ [kMG]B\/s;/);
    expect(told).toMatch(/rank 1 [^;]*, received [\d.]+ MB from [^;]* at up to [\d.]+ [kMG]B\/s\./);
    expect(await pixelsOf(page, '--send')).toBeGreaterThan(20);
    expect(await pixelsOf(page, '--receive')).toBeGreaterThan(20);
    await page.locator('#requests tbody tr').first().waitFor();
  });

  test('an answer is stopped by its button, and the server hears of it', async () => {
    const page = await open();
    // Long enough that it is still being written when the button is pressed.
    await page.locator('.settings summary').click();
    await page.getByLabel('Most new tokens').fill('2000');
    await ask(page, 'fog signal');
    // Once the table lists it, the server has it: a request that never reached it would never be listed as cancelled.
    const newest = page.locator('#requests tbody tr').first().locator('.status');
    await newest.and(page.locator('.prefill, .decode')).waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped.').waitFor();
    await newest.and(page.locator('.cancelled')).waitFor();
    await page.getByRole('button', { name: 'Send' }).waitFor();
  });

  test('a row of the recent requests opens its chain, by keyboard too', async () => {
    const page = await open();
    const rows = page.locator('#requests tbody tr');
    await rows.nth(1).waitFor();
    await rows.last().getByRole('button').focus();
    await page.keyboard.press('Enter');
    await page.getByText('Follow the newest').waitFor();
    expect(await page.locator('#chain .ranks tbody tr').count()).toBe(2);
    const before = await picture(page);
    await page.locator('#chain canvas').focus();
    await page.keyboard.press('+');
    await until(async () => (await picture(page)) !== before, 'the zoomed picture');
  });

  test('a slider moves the partition', async () => {
    const page = await open();
    const slices = page.locator('#planner .slice');
    await slices.first().waitFor();
    const before = await slices.count();
    await page.getByLabel('Workers', { exact: true }).press('ArrowRight');
    await until(async () => (await slices.count()) === before + 1, 'one more slice');
    await page.getByLabel('Context', { exact: true }).press('ArrowLeft');
    await page.getByText('Partition of 6,144 tokens').waitFor();
    await page.locator('#planner .uplot').waitFor();
  });

  test('text is shown as text, whatever it says', async () => {
    const page = await open();
    const text = '<img src=x onerror=alert(1)><b>bold</b>\nagain: <img src=x onerror=alert(1)><b>bo';
    await page.getByRole('textbox').fill(text);
    await page.keyboard.press('Enter');
    await page.locator('.measures').waitFor();
    await page.locator('.writing').waitFor({ state: 'hidden' });
    expect(await page.locator('.message.user .text').innerText()).toBe(text);
    expect(await page.locator('.message b, .message img').count()).toBe(0);
  });

  test('a phone shows one part at a time, and nothing is wider than its screen', async () => {
    const page = await open('/', { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
    for (const [name, part] of [
      ['Chain', '#chain'],
      ['Planner', '#planner'],
      ['Requests', '#requests'],
      ['Chat', '#chat'],
    ] as const) {
      await page.getByRole('link', { name, exact: true }).tap();
      await page.locator(part).waitFor();
      expect(await page.locator('main section:visible').count()).toBe(1);
      expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(360);
    }
  });

  test('colours follow the system until the reader chooses, and the choice is kept', async () => {
    const page = await open('/', { colorScheme: 'dark' });
    const ground = () => page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
    const dark = await ground();
    await page.getByText('Light', { exact: true }).click();
    const light = await ground();
    expect(light).not.toBe(dark);
    await page.reload();
    await page.locator('.theme').waitFor();
    expect(await ground()).toBe(light);
  });

  test('a server with a key is asked with it, once the reader gave it', async () => {
    const key = 'a key of a test'.replaceAll(' ', '-');
    const locked = await ServedPage.start(1, { KVR_API_KEY: key });
    try {
      const page = await open('/', {}, locked.url);
      for (const [typed, then] of [
        ['wrong-key-wrong', page.getByText('refused this API key')],
        [key, page.locator('.dot.live')],
      ] as const) {
        await page.getByLabel(/API key/).fill(typed);
        await page.getByRole('button', { name: 'Use it' }).click();
        await then.waitFor();
      }
      expect(await page.locator('form.key').count()).toBe(0);
      await page.close();
      // The browser itself notes each 401; nothing else may be among the complaints.
      complaints = complaints.filter((text) => !text.includes('401'));
    } finally {
      await locked.close();
    }
  });
});
