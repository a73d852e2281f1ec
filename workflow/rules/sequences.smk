# Needs: the genome and the elements of a cohort.
# Makes: one memory-mapped array of base codes for each type of element, with a manifest.

# A pair of which no base is known is left to the landscape, if there is one.
MAX_N = PROJECT.config.elements.max_n
MAX_N = 1 if MAX_N is None and PROJECT.config.landscape is not None else MAX_N


rule extract_sequences:
    """Extract the windows of a cohort's elements from the genome."""
    input:
        fasta="results/genome/genome.fa",
        index="results/genome/genome.fa.fai",
        enhancers="results/elements/{cohort}/enhancer.parquet",
        promoters="results/elements/{cohort}/promoter.parquet",
    output:
        enhancers="results/sequences/{cohort}/enhancer.npy",
        promoters="results/sequences/{cohort}/promoter.npy",
        manifest="results/sequences/{cohort}/manifest.json",
    log:
        "logs/extract_sequences/{cohort}.log",
    benchmark:
        "benchmarks/extract_sequences/{cohort}.tsv"
    cache: CACHED
    # The filters wait for them.
    priority: 5
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(60),
    params:
        code=code("cbat.data.sequences"),
        key=cache_key,
        max_n=f"--max-n {MAX_N}" if MAX_N is not None else "",
    message:
        "Extract the sequences of the {wildcards.cohort} cell lines."
    shell:
        "cbat extract_sequences --genome-fasta {input.fasta} {params.max_n}"
        " --elements-directory results/elements/{wildcards.cohort}"
        " --directory results/sequences/{wildcards.cohort} > {log} 2>&1"
