/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/pieces.h"

#include "policy/base/hash.h"

#include <stdalign.h>
#include <string.h>

struct mv_piece {
        const void *type;
        uint32_t hash, uses;
        size_t n;
        alignas(max_align_t) char bytes[];
};

enum {
        FIRST_SLOTS = 1024,
        SEEN_SLOTS = 1 << 16,
        TIMES_BITS = 2,
        TIMES = (1 << TIMES_BITS) -
                1, /* it has come before, when it is shared: a piece pays with its fourth use */
};

void mv_pieces_init(struct mv_pieces *pieces, const struct mv_allocator *allocator) {
        *pieces = (struct mv_pieces){ .allocator = allocator };
}

static void *allocate(const struct mv_pieces *pieces, size_t size) {
        return pieces->allocator->allocate(pieces->allocator->context, size);
}

static void release(const struct mv_pieces *pieces, void *memory) {
        pieces->allocator->release(pieces->allocator->context, memory);
}

void mv_pieces_done(struct mv_pieces *pieces) {
        for (size_t i = 0; i < pieces->n_slots; i++)
                release(pieces, pieces->slots[i]);
        release(pieces, pieces->slots);
        release(pieces, pieces->seen);
        mv_pieces_init(pieces, pieces->allocator);
}

void mv_pieces_settle(struct mv_pieces *pieces) {
        release(pieces, pieces->seen);
        pieces->seen = NULL;
}

/* The slot of that piece, or the free one where it belongs. */
static struct mv_piece **find_slot(const struct mv_pieces *pieces, uint32_t hash, const void *type,
                                   const void *bytes, size_t n) {
        size_t mask = pieces->n_slots - 1, at = hash & mask;
        for (;; at = (at + 1) & mask) {
                const struct mv_piece *piece = pieces->slots[at];
                if (!piece || (piece->hash == hash && piece->type == type && piece->n == n &&
                               memcmp(piece->bytes, bytes, n) == 0))
                        return &pieces->slots[at];
        }
}

static bool grow_slots(struct mv_pieces *pieces) {
        size_t n_old = pieces->n_slots, n_slots = n_old ? n_old * 2 : FIRST_SLOTS;
        struct mv_piece **old = pieces->slots,
                        **slots = allocate(pieces, n_slots * sizeof(struct mv_piece *));
        if (!slots)
                return false;
        memset(slots, 0, n_slots * sizeof(struct mv_piece *));
        for (size_t i = 0; i < n_old; i++) {
                if (!old[i])
                        continue;
                size_t at = old[i]->hash & (n_slots - 1);
                while (slots[at])
                        at = (at + 1) & (n_slots - 1);
                slots[at] = old[i];
        }
        release(pieces, old);
        pieces->slots = slots;
        pieces->n_slots = n_slots;
        return true;
}

/* Note that something with that hash has come; true when it came often enough. What comes rarely is forgotten for what comes
 * into the same slot. */
static bool came_often(struct mv_pieces *pieces, uint64_t hash) {
        uint32_t tag = (uint32_t)(hash >> 32) << TIMES_BITS;
        uint32_t *seen = &pieces->seen[hash % SEEN_SLOTS];
        if ((*seen & ~(uint32_t)TIMES) != tag)
                *seen = tag;
        if ((*seen & TIMES) == TIMES)
                return true;
        ++*seen;
        return false;
}

static bool make_ready(struct mv_pieces *pieces) {
        if (!pieces->seen) {
                pieces->seen = allocate(pieces, SEEN_SLOTS * sizeof *pieces->seen);
                if (pieces->seen)
                        memset(pieces->seen, 0, SEEN_SLOTS * sizeof *pieces->seen);
        }
        return pieces->seen && (pieces->used * 2 < pieces->n_slots || grow_slots(pieces));
}

static struct mv_piece *new_piece(struct mv_pieces *pieces, uint32_t hash, const void *type,
                                  const void *bytes, size_t n) {
        struct mv_piece *piece = allocate(pieces, sizeof *piece + n + 1);
        if (!piece)
                return NULL;
        *piece = (struct mv_piece){ .type = type, .hash = hash, .n = n };
        memcpy(piece->bytes, bytes, n);
        piece->bytes[n] = '\0';
        pieces->used++;
        pieces->bytes += sizeof *piece + n + 1;
        return piece;
}

const void *mv_pieces_take(struct mv_pieces *pieces, const void *type, const void *bytes, size_t n,
                           bool *ret_made) {
        *ret_made = false;
        if (!make_ready(pieces))
                return NULL;
        uint64_t hash = mv_hash_add(mv_hash_seed(pieces) ^ (uint64_t)(uintptr_t)type << 16,
                                    (struct mv_str){ bytes, n });
        struct mv_piece **slot = find_slot(pieces, (uint32_t)hash, type, bytes, n);
        if (!*slot) {
                if (!came_often(pieces, hash) || !(*slot = new_piece(pieces, (uint32_t)hash, type, bytes, n)))
                        return NULL;
                *ret_made = true;
        }
        if ((*slot)->uses == UINT32_MAX)
                return NULL;
        (*slot)->uses++;
        return (*slot)->bytes;
}

static struct mv_piece *piece_of(const void *bytes) {
        return (struct mv_piece *)(void *)((char *)(uintptr_t)bytes - offsetof(struct mv_piece, bytes));
}

bool mv_pieces_release(const void *piece) {
        return --piece_of(piece)->uses == 0;
}

/* Empty that slot, and move up those behind it that belong before the gap. */
static void empty_slot(struct mv_pieces *pieces, size_t at) {
        size_t mask = pieces->n_slots - 1;
        for (size_t next = (at + 1) & mask; pieces->slots[next]; next = (next + 1) & mask) {
                size_t home = pieces->slots[next]->hash & mask;
                if (((next - home) & mask) >= ((next - at) & mask)) {
                        pieces->slots[at] = pieces->slots[next];
                        at = next;
                }
        }
        pieces->slots[at] = NULL;
        pieces->used--;
}

void mv_pieces_drop(struct mv_pieces *pieces, const void *bytes) {
        struct mv_piece *piece = piece_of(bytes);
        struct mv_piece **slot = find_slot(pieces, piece->hash, piece->type, piece->bytes, piece->n);
        empty_slot(pieces, (size_t)(slot - pieces->slots));
        pieces->bytes -= sizeof *piece + piece->n + 1;
        release(pieces, piece);
}
