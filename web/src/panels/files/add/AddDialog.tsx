import { useEffect, useEffectEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'wouter';
import { Dialog } from '../../../look/Dialog';
import { shownName } from '../../../look/Name';
import { toast } from '../../../look/toasts';
import type { Seed } from './AddContext';
import { AddForm } from './AddForm';
import { ChooseFiles } from './ChooseFiles';
import { SharedStep } from './SharedStep';
import { useAdding } from './useAdding';
import { Working } from './Working';

/** Adds something to share or to get, step by step. */
export function AddDialog({ seed, onClose }: { seed: Seed; onClose: () => void }) {
  const { t } = useTranslation('files');
  const [, navigate] = useLocation();
  const { step, begin, cancel } = useAdding();
  const leave = (infoHash: string) => {
    onClose();
    navigate(`/files/${infoHash}`);
  };
  const got = useEffectEvent(() => {
    if (step.step !== 'got') return;
    const name = shownName(step.added.name, 80);
    toast(t(step.existed ? 'add.existed' : 'add.added', { name }));
    leave(step.added.info_hash);
  });
  useEffect(() => {
    if (step.step === 'got') got();
  }, [step]);

  const titles = {
    form: 'add.title',
    working: 'add.working',
    shared: 'add.shared',
    choose: 'add.choose',
    got: 'add.title',
  };
  return (
    <Dialog
      title={t(titles[step.step])}
      isOpen
      wide={step.step === 'choose'}
      // What is on its way is stopped by its own button alone, not by a slip.
      alert={step.step === 'working' || step.step === 'choose'}
      onClose={() => {
        if (step.step !== 'working') onClose();
      }}
    >
      {/* The form stays while the node works: what was typed is there when something goes wrong. */}
      <div hidden={step.step !== 'form'}>
        <AddForm seed={seed} problem={step.step === 'form' ? step.problem : null} onBegin={begin} onCancel={onClose} />
      </div>
      {step.step === 'working' && <Working step={step} onCancel={cancel} />}
      {step.step === 'shared' && (
        <SharedStep added={step.added} onOpen={() => leave(step.added.info_hash)} onClose={onClose} />
      )}
      {step.step === 'choose' && (
        <ChooseFiles added={step.added} paused={step.paused} onDone={() => leave(step.added.info_hash)} />
      )}
    </Dialog>
  );
}
