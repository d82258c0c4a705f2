/** The life of a print job: its moves, what a print system's words mean, and what follows a crash. */
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import * as jobs from '../../agent/core/print-job.js';
import { blockingReason, conditionWords, plainReasons, reasonSentence } from '../../agent/core/print-reasons.js';
import { JOB_STATES } from '../../protocol/peer/printing.js';
import { spec } from '../support/spec.js';

const inSystem = (part: Partial<jobs.SystemJob>): jobs.SystemJob => ({
  ref: '7',
  state: 'processing',
  documents: 1,
  reasons: [],
  printerReasons: [],
  isPrinterStopped: false,
  message: '',
  pages: null,
  ...part,
});

spec('the states of a job', (it) => {
  it('end for good, and never go back to before the printer had the document', () => {
    for (const from of JOB_STATES) {
      for (const to of JOB_STATES) {
        const may = jobs.mayMove(from, to);
        if (jobs.isFinal(from)) assert.not(may, `${from} ends`);
        if (jobs.isAccepted(from) && !jobs.isAccepted(to)) assert.not(may, `${from} to ${to}`);
        if (from === to) assert.not(may);
        if (!jobs.isFinal(from) && jobs.isFinal(to)) assert.ok(may, `${from} to ${to}`);
      }
    }
    assert.ok(jobs.mayMove('sending', 'waiting'));
    assert.ok(jobs.mayMove('printing', 'blocked'));
    assert.ok(jobs.mayMove('blocked', 'queued'));
    assert.equal(JOB_STATES.filter(jobs.isFinal), ['completed', 'canceled', 'aborted', 'uncertain']);
  });
});

spec('after a crash', (it) => {
  type Case = [phase: jobs.Phase, found: Partial<jobs.SystemJob> | null, holds: jobs.Step, prints: jobs.Step];
  const cases: Record<string, Case> = {
    'nothing was begun': ['spooled', null, 'create', 'create'],
    'the job may have been made, and was not': ['creating', null, 'create', 'create'],
    'the job was made, its number was lost': ['creating', { state: 'held', documents: 0 }, 'send', 'send'],
    'the job was made and the system lost it': ['created', null, 'create', 'create'],
    'the job has no document yet': ['created', { state: 'pending', documents: 0 }, 'send', 'send'],
    'the document broke off': ['sending', { state: 'held', documents: 0 }, 'send', 'send'],
    'the document arrived, the answer was lost': ['sending', { state: 'held', documents: 1 }, 'release', 'watch'],
    'it prints what it got so far': ['sending', { state: 'processing', documents: 0 }, 'send', 'watch'],
    'the document may have been sent and the job is gone': ['sending', null, 'create', 'uncertain'],
    'it has the document twice': ['sending', { state: 'held', documents: 2 }, 'replace', 'watch'],
    'it was not released': ['releasing', { state: 'held', documents: 1 }, 'release', 'watch'],
    'it was released, the answer was lost': ['releasing', { state: 'processing' }, 'watch', 'watch'],
    'it may have been released and the job is gone': ['releasing', null, 'uncertain', 'uncertain'],
    'it is printed': ['released', { state: 'processing' }, 'watch', 'watch'],
    'it was released and the job is gone': ['released', null, 'uncertain', 'uncertain'],
    'somebody cancelled it there': ['sending', { state: 'canceled', documents: 0 }, 'watch', 'watch'],
    'documents are not counted, none was sent': ['created', { state: 'pending', documents: null }, 'release', 'send'],
    'documents are not counted, one was sent': ['sending', { state: 'pending', documents: null }, 'watch', 'watch'],
  };
  for (const [what, [phase, part, holds, prints]] of Object.entries(cases)) {
    const found = part === null ? null : inSystem(part);
    it(`${what}: ${holds} where it is held, ${prints} where it is not`, () => {
      if (!what.startsWith('documents are not counted')) assert.is(jobs.nextStep(phase, found, true), holds);
      assert.is(jobs.nextStep(phase, found, false), prints);
    });
  }

  it('nothing that may have been printed is made again', () => {
    const anything = fc.record({
      state: fc.constantFrom<jobs.SystemJob['state']>('pending', 'held', 'processing', 'stopped', 'completed'),
      documents: fc.constantFrom(0, 1, 2, null),
    });
    fc.assert(
      fc.property(fc.constantFrom(...jobs.PHASES), fc.option(anything), fc.boolean(), (phase, part, holds) => {
        const step = jobs.nextStep(phase, part === null ? null : inSystem(part), holds);
        if (phase === 'releasing' || phase === 'released') assert.not(['create', 'send', 'replace'].includes(step));
        if (phase === 'sending' && !holds) assert.is.not(step, 'create');
        if (part?.state === 'processing' && !holds)
          assert.not(['create', 'send', 'replace'].includes(step) && phase !== 'spooled');
      }),
    );
  });
});

spec('what a print system says', (it) => {
  type Case = [part: Partial<jobs.SystemJob>, state: string, because: RegExp];
  const cases: Record<string, Case> = {
    'it waits its turn': [{ state: 'pending' }, 'queued', /^$/],
    'it prints': [{ printerReasons: ['none'] }, 'printing', /^$/],
    'toner is low': [{ printerReasons: ['toner-low-report'] }, 'printing', /^$/],
    'one of two trays is empty': [{ printerReasons: ['media-empty-warning'] }, 'printing', /^$/],
    'there is no paper': [
      { printerReasons: ['media-empty-error'] },
      'blocked',
      /^out of paper at ana-laptop; the job goes on/,
    ],
    'there is no paper, said without a suffix': [{ printerReasons: ['media-empty'] }, 'blocked', /out of paper/],
    'something else is wrong': [{ printerReasons: ['fuser-failure-error'] }, 'blocked', /needs attention/],
    'the printer is off': [{ printerReasons: ['offline-report'] }, 'blocked', /switched on/],
    'the queue is paused': [{ state: 'pending', isPrinterStopped: true }, 'blocked', /paused at ana-laptop/],
    'the job stands still': [{ state: 'stopped', message: 'Load tray 2' }, 'blocked', /stands still: Load tray 2/],
    'the device failed and is tried again': [
      { state: 'held', reasons: ['resources-are-not-ready'], message: 'device failed' },
      'blocked',
      /has a fault: device failed; it is tried again/,
    ],
    'somebody holds it': [{ state: 'held', reasons: ['job-hold-until-specified'] }, 'held', /held at ana-laptop/],
    'it is done': [{ state: 'completed', reasons: ['job-completed-successfully'] }, 'completed', /^$/],
    'it is done with errors': [{ state: 'completed', reasons: ['job-completed-with-errors'] }, 'completed', /errors/],
    'somebody cancelled it': [{ state: 'canceled' }, 'canceled', /^cancelled at ana-laptop$/],
    'somebody cancelled it at the device': [
      { state: 'canceled', reasons: ['job-canceled-at-device'] },
      'canceled',
      /^cancelled at the printer$/,
    ],
    'it failed': [{ state: 'aborted', message: 'Filter failed' }, 'aborted', /could not print it: Filter failed/],
  };
  for (const [what, [part, state, because]] of Object.entries(cases)) {
    it(`${what}: ${state}`, () => {
      const seen = jobs.seenAs(inSystem(part), 'ana-laptop');
      assert.is(seen.state, state);
      assert.match(seen.because, because);
    });
  }

  it('is told without suffixes, the gravest first, bounded', () => {
    const said = ['none', 'toner-low-warning', 'media-empty-warning', 'cover-open-error', 'job-printing'];
    assert.equal(plainReasons(said), ['cover-open', 'toner-low', 'job-printing']);
    assert.is(plainReasons(Array.from({ length: 99 }, (_, index) => `reason-${index}`)).length, 16);
    assert.is(blockingReason(['toner-low-warning', 'media-jam-error']), 'media-jam');
    assert.is(blockingReason(['constructor', '__proto__']), null);
  });

  it('is a sentence with the name of the PC, whatever the name', () => {
    assert.is(reasonSentence('toner-empty', '$& $1'), 'out of toner at $& $1');
    assert.match(jobs.uncertain('ana-laptop').because, /^ana-laptop cannot tell whether it was printed/);
  });

  it('is a few words beside the name of a printer', () => {
    const idle = { state: 'idle', accepting: true, reasons: [] } as const;
    assert.is(conditionWords(idle), 'ready');
    assert.is(conditionWords({ ...idle, reasons: ['toner-low'] }), 'ready, toner is low');
    assert.is(conditionWords({ ...idle, state: 'printing', reasons: ['media-empty'] }), 'out of paper');
    assert.is(conditionWords({ ...idle, state: 'stopped' }), 'paused');
    assert.is(conditionWords({ ...idle, accepting: false }), 'takes no jobs');
    assert.is(conditionWords({ ...idle, state: 'offline', reasons: ['connecting-to-device'] }), 'offline');
  });
});
