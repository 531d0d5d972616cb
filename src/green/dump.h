/* SPDX-License-Identifier: MIT */
/* The list of all green threads, for people. */
#ifndef GREENMQ_GREEN_DUMP_H
#define GREENMQ_GREEN_DUMP_H

/* Writes it to a descriptor: a line for each green thread of the process. 0, -ENOMEM, or what
 * write(2) gives. */
int dump_write(int fd);

#endif
