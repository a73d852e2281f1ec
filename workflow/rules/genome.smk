# Needs: the genome of the configuration, plain, gzip or bgzip.
# Makes: an indexed FASTA and the sizes of its contigs.


if PREPARED_GENOME:

    rule prepare_genome:
        """Unpack and index the genome."""
        input:
            fasta=str(PROJECT.config.genome.fasta),
        output:
            fasta="results/genome/genome.fa",
            index="results/genome/genome.fa.fai",
            contig_sizes="results/genome/contig_sizes.tsv",
        log:
            "logs/prepare_genome/genome.log",
        benchmark:
            "benchmarks/prepare_genome/genome.tsv"
        cache: CACHED
        conda:
            "../envs/data.yaml"
        resources:
            mem_mb=memory(1000),
            runtime=minutes(60),
        params:
            code=code("cbat.data.genome"),
            key=cache_key,
            # A link would be all that the cache keeps, and its file is the user's.
            copied=lambda wildcards, input: "--copy" if CACHED else "",
        message:
            "Unpack and index the genome."
        shell:
            "cbat prepare_genome --fasta {input.fasta:q} {params.copied} --directory results/genome > {log} 2>&1"
