"""The laws of the model, each stated once.

A law in this room is a function of numbers and flat sequences, marked `@law` so that every
engine calls the same text. It holds no state, knows no scenario and no engine, and draws
only through `escalate.randomness`.
"""
