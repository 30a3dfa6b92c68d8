/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The back-end's own channel (SET_BACKEND_REQ_FD): configuration change messages out, the front-
 * end's answers in. It never blocks the main channel: a message that does not fit is sent when
 * there is room, and answers are read as they come.
 */
#ifndef REF_BACKENDS_BINDING_VHOST_USER_CHANNEL_H
#define REF_BACKENDS_BINDING_VHOST_USER_CHANNEL_H

#include "ref-backends/binding/vhost_user/session.h"

/* Use this socket from now on; the old one is closed. NULL, or why not. */
const char *vub_channel_set(struct vub_session *s, int fd);
void vub_channel_close(struct vub_session *s);

/* A ring was started: send what had to wait for that. */
void vub_channel_resume(struct vub_session *s);

/* Send a message of our own. False: there is no room now, or no channel any more (s->deaf). */
bool vub_channel_send(struct vub_session *s, struct vub_reply *msg);

/* What to poll backend_fd for, and what to do when it happened. */
short vub_channel_events(const struct vub_session *s);
void vub_channel_handle(struct vub_session *s);
/* Act on an answer, once all that the front-end sent before it was. After whatever was read. */
void vub_channel_settle(struct vub_session *s);

#endif
