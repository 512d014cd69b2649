import test from 'ava';
import { MemoryObjectStore } from '../support/memory-object-store.js';
import { declareContract } from './store-contract.js';

declareContract(test, { name: 'MemoryObjectStore', create: () => new MemoryObjectStore() });
