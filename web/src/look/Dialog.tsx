import { useState, type ReactNode } from 'react';
import { Dialog as Base } from 'react-aria-components/Dialog';
import { Heading } from 'react-aria-components/Heading';
import { Modal, ModalOverlay } from 'react-aria-components/Modal';
import { useTranslation } from 'react-i18next';
import { Button } from './Button';
import { cx } from './cx';
import styles from './Dialog.module.css';

export interface DialogProps {
  title: ReactNode;
  isOpen: boolean;
  onClose: () => void;
  /** Asks something that cannot be undone: is announced as an alert, and a click beside it does not close it. */
  alert?: boolean;
  wide?: boolean;
  children: ReactNode;
  /** Buttons at the foot; the way out comes first. */
  actions?: ReactNode;
}

/** A dialog over the page: the focus stays inside and returns where it was; Escape closes it. */
export function Dialog({ title, isOpen, onClose, alert = false, wide = false, children, actions }: DialogProps) {
  return (
    <ModalOverlay
      isOpen={isOpen}
      onOpenChange={(open) => !open && onClose()}
      isDismissable={!alert}
      className={cx(styles.overlay)}
    >
      <Modal className={cx(styles.modal, wide && styles.wide)}>
        <Base role={alert ? 'alertdialog' : 'dialog'} className={cx(styles.dialog)}>
          <Heading slot="title" level={2} className={cx(styles.title)}>
            {title}
          </Heading>
          <div className={styles.body}>{children}</div>
          {actions && <div className={styles.actions}>{actions}</div>}
        </Base>
      </Modal>
    </ModalOverlay>
  );
}

export interface ConfirmProps {
  title: ReactNode;
  isOpen: boolean;
  onClose: () => void;
  /** Says what is done, in the button: "Remove", not "OK". */
  confirm: string;
  /** What is done cannot be undone. */
  danger?: boolean;
  /** May take a while: the button waits, and the dialog closes when it is done. What it throws is shown. */
  onConfirm: () => void | Promise<unknown>;
  isConfirmDisabled?: boolean;
  children: ReactNode;
}

/** Asks before something is done. */
export function Confirm({
  title,
  isOpen,
  onClose,
  confirm,
  danger = false,
  onConfirm,
  isConfirmDisabled = false,
  children,
}: ConfirmProps) {
  const { t } = useTranslation('look');
  const [state, setState] = useState<{ pending: boolean; error?: string }>({ pending: false });
  const close = () => {
    setState({ pending: false });
    onClose();
  };
  const run = async () => {
    setState({ pending: true });
    try {
      await onConfirm();
      close();
    } catch (error) {
      setState({ pending: false, error: error instanceof Error ? error.message : String(error) });
    }
  };
  return (
    <Dialog
      title={title}
      isOpen={isOpen}
      onClose={close}
      alert
      actions={
        <>
          <Button onPress={close}>{t('cancel')}</Button>
          <Button
            look={danger ? 'danger' : 'primary'}
            onPress={run}
            isPending={state.pending}
            isDisabled={isConfirmDisabled}
          >
            {confirm}
          </Button>
        </>
      }
    >
      {children}
      {state.error && (
        <p role="alert" className={styles.error}>
          {state.error}
        </p>
      )}
    </Dialog>
  );
}
